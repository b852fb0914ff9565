import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, HoldfastError } from 'holdfast'
import { startServer } from 'holdfast/testing'
import { expandProxyCommand } from '#src/client/proxy-command.js'

const target = { host: 'db.example.com', alias: 'db', port: 2222, username: 'deploy' }

test('host, port and user stand where ssh_config has them', () => {
  const command = expandProxyCommand('nc -w 5%% %h %p # %r@%n', target)
  assert.equal(command, 'nc -w 5% db.example.com 2222 # deploy@db')
})

for (const host of ['a;reboot', '$(reboot)', '`reboot`', '-oProxyCommand=reboot', 'a b', "a'b", 'a\nb']) {
  test(`a host such as ${JSON.stringify(host)} never reaches a shell`, () => {
    assert.throws(() => expandProxyCommand('nc %h %p', { ...target, host, alias: host }), { code: 'ERR_SSH_OPTION' })
  })
}

test('an unknown token is an error that names the known ones', () => {
  assert.throws(() => expandProxyCommand('nc %x', target), /%x is unknown; known are %h/)
})

/** A program that joins its standard input and output to a port, as `nc` does. */
const pipeTo = `"${process.execPath}" -e "const s=require('net').connect(%p,'%h');process.stdin.pipe(s).pipe(process.stdout)"`

test('a connection runs over the command, which is gone with it', async () => {
  const server = await startServer({ users: { deploy: { password: 'secret' } }, exec: () => 0 })
  try {
    const options = { password: 'secret', proxyCommand: pipeTo, hostKey: { policy: 'off' } } as const
    const ssh = await connect(`deploy@127.0.0.1:${server.port}`, options)
    assert.equal((await ssh.exec('true')).exitCode, 0)
    await ssh.close()
  } finally {
    await server.close()
  }
})

test('a command that ends before a byte came is told with what it said', async () => {
  const proxyCommand = `"${process.execPath}" -e "console.error('no route'); process.exit(3)"`
  await assert.rejects(connect('deploy@host', { password: 'x', proxyCommand, hostKey: { policy: 'off' } }), (error) => {
    assert.ok(error instanceof HoldfastError)
    assert.equal(error.code, 'ERR_SSH_CONNECT')
    assert.match(error.message, /no route/)
    return true
  })
})

test('an option that is undefined takes nothing away from the target', async () => {
  const server = await startServer({ users: { deploy: { password: 'secret' } }, exec: () => 0 })
  try {
    const options = { password: 'secret', port: undefined, username: undefined, hostKey: { policy: 'off' } } as const
    const ssh = await connect(`deploy@127.0.0.1:${server.port}`, options)
    await ssh.close()
  } finally {
    await server.close()
  }
})

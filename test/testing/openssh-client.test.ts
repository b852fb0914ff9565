// The machine's own ssh(1) as a client of the embedded server: it shares no code with it.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { type ServerOptions, startServer, type TestServer } from 'holdfast/testing'
import { countBytes, tcpServer } from '../forward/local-servers.js'
import { skipReason } from '../servers/availability.js'
import { sshKeygen } from '../servers/ssh-keygen.js'
import { installTools } from '../servers/tools.js'
import { findPosixTools } from '../support/posix-tools.js'
import { eventually } from './support/eventually.js'

findPosixTools()
const skip = skipReason(await installTools(['ssh', 'ssh-keygen']))
const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-openssh-'))
const file = (name: string): string => path.join(directory, name)
const read = (name: string): string => readFileSync(file(name), 'utf8')

interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function startSsh(
  server: TestServer,
  command: string,
  options: Record<string, string> = {},
  env: Record<string, string> = {},
): ChildProcess {
  writeFileSync(file(`known_hosts_${server.port}`), `${server.hostKeys.map((key) => key.knownHostsLine).join('\n')}\n`)
  const settings = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    IdentityFile: file('ed25519'),
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: file(`known_hosts_${server.port}`),
    LogLevel: 'ERROR',
    ...options,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const args = ['-F', 'none', '-p', String(server.port), ...flags, 'deploy@127.0.0.1', command]
  return spawn('ssh', args, { env: { ...process.env, ...env } })
}

async function finished(child: ChildProcess, input: string | Buffer = ''): Promise<Finished> {
  const { stdin, stdout, stderr } = child
  assert.ok(stdin && stdout && stderr)
  const ended = once(child, 'close')
  stdin.on('error', () => {})
  stdin.end(input)
  const [out, err] = await Promise.all([text(stdout), text(stderr), ended])
  return { code: child.exitCode, stdout: out, stderr: err }
}

describe('ssh(1) on the embedded server', { skip }, () => {
  const servers: TestServer[] = []

  before(async () => {
    await sshKeygen(['-q', '-t', 'ed25519', '-N', '', '-f', file('ed25519')])
    await sshKeygen(['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', file('rsa')])
    await sshKeygen(['-q', '-t', 'ecdsa', '-N', '', '-f', file('ecdsa')])
  })
  after(async () => {
    await Promise.all(servers.map((server) => server.close()))
    rmSync(directory, { recursive: true })
  })

  async function start(options: Partial<ServerOptions> = {}): Promise<TestServer> {
    const authorizedKeys = ['ed25519', 'rsa', 'ecdsa'].map((name) => read(`${name}.pub`))
    const server = await startServer({ users: { deploy: { authorizedKeys } }, shell: true, ...options })
    servers.push(server)
    return server
  }

  test('runs commands: input, output, errors, exit code', async () => {
    const server = await start()
    const outcome = await finished(startSsh(server, 'cat; echo oops >&2; exit 3'), 'through')
    assert.deepEqual(outcome, { code: 3, stdout: 'through', stderr: 'oops\n' })
  })

  for (const name of ['rsa', 'ecdsa']) {
    test(`logs in by a key of type ${name}`, async () => {
      const outcome = await finished(startSsh(await start(), 'echo in', { IdentityFile: file(name) }))
      assert.deepEqual(outcome, { code: 0, stdout: 'in\n', stderr: '' })
    })
  }

  test('trusts each type of host key, and a certificate by its authority', async () => {
    await sshKeygen(['-q', '-t', 'ed25519', '-N', '', '-f', file('authority')])
    await sshKeygen(['-q', '-s', file('authority'), '-I', 'host', '-h', '-n', '127.0.0.1', file('ecdsa.pub')])
    const server = await start({
      hostKeys: [
        { generate: 'ssh-ed25519' },
        { privateKey: read('rsa') },
        { privateKey: read('ecdsa'), certificate: read('ecdsa-cert.pub') },
      ],
    })
    const offered = ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256', 'ecdsa-sha2-nistp256']
    for (const HostKeyAlgorithms of offered) {
      const outcome = await finished(startSsh(server, 'echo trusted', { HostKeyAlgorithms }))
      assert.deepEqual(outcome, { code: 0, stdout: 'trusted\n', stderr: '' }, HostKeyAlgorithms)
    }
    writeFileSync(file('authorities'), `@cert-authority * ${read('authority.pub')}`)
    const outcome = await finished(
      startSsh(server, 'echo vouched', {
        HostKeyAlgorithms: 'ecdsa-sha2-nistp256-cert-v01@openssh.com',
        UserKnownHostsFile: file('authorities'),
      }),
    )
    assert.deepEqual(outcome, { code: 0, stdout: 'vouched\n', stderr: '' })
  })

  test('has it listen, at TCP and Unix sockets', async (t) => {
    const server = await start({ forwarding: true })
    const to = `127.0.0.1:${await tcpServer(t, countBytes)}`
    for (const place of ['0', file('forwarded')]) {
      const child = startSsh(server, 'cat', {
        RemoteForward: `${place} ${to}`,
        LogLevel: 'INFO',
        ExitOnForwardFailure: 'yes',
      })
      const { stdin, stderr } = child
      assert.ok(stdin && stderr)
      let said = ''
      stderr.on('data', (bytes: Buffer) => {
        said += bytes.toString()
      })
      const port = (): number => Number(/Allocated port (\d+)/.exec(said)?.[1] ?? 0)
      await eventually('it listens', () => (place === '0' ? port() > 0 : existsSync(place)))
      const socket = place === '0' ? net.connect(port(), '127.0.0.1') : net.connect(place)
      assert.equal(await text(socket.end('hello')), '5 bytes')
      const ended = once(child, 'close')
      stdin.end()
      await ended
      assert.equal(child.exitCode, 0, said)
    }
  })

  const algorithms = {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group-exchange-sha256',
      'diffie-hellman-group14-sha256',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group18-sha512',
    ],
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
      'chacha20-poly1305@openssh.com',
    ],
    mac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  } as const
  for (const kind of ['kex', 'cipher', 'mac'] as const) {
    test(`agrees with it on each ${kind}, and carries 300 kB by it`, async () => {
      for (const name of algorithms[kind]) {
        const only = kind === 'mac' ? { mac: [name], cipher: ['aes128-ctr'] } : { [kind]: [name] }
        const server = await start({ algorithms: only })
        const sent = Buffer.alloc(300_000, 'holdfast')
        const outcome = await finished(startSsh(server, 'cat'), sent)
        assert.equal(outcome.stderr, '', name)
        assert.ok(outcome.stdout === sent.toString(), name)
      }
    })
  }

  test('exchanges keys anew in the middle of 20 MB each way, from either side', async () => {
    const sent = Buffer.alloc(20 * 1024 * 1024, 'holdfast')
    const byClient = await finished(startSsh(await start(), 'cat', { RekeyLimit: '1M' }), sent)
    assert.equal(byClient.stderr, '')
    assert.ok(byClient.stdout === sent.toString())
    const byServer = await finished(startSsh(await start({ rekey: { bytes: 1024 * 1024 } }), 'cat'), sent)
    assert.equal(byServer.stderr, '')
    assert.ok(byServer.stdout === sent.toString())
  })

  test('asks for a terminal of its own kind; without one itself it knows no size', async () => {
    const options = { RequestTTY: 'force', LogLevel: 'QUIET' }
    const command = 'echo $TERM $COLUMNS $LINES'
    const outcome = await finished(startSsh(await start(), command, options, { TERM: 'vt220' }))
    assert.equal(outcome.code, 0)
    assert.equal(outcome.stdout.trim(), 'vt220 0 0')
  })

  test('is told which signal ended a command', async () => {
    const outcome = await finished(startSsh(await start(), 'kill -TERM $$'))
    assert.equal(outcome.code, 255)
  })

  test('is answered its keepalives, and gives up a frozen server', async () => {
    const alive = { ServerAliveInterval: '1', ServerAliveCountMax: '1' }
    const server = await start()
    const kept = await finished(startSsh(server, 'sleep 3; echo kept', alive))
    assert.equal(kept.stdout, 'kept\n')
    const child = startSsh(server, 'sleep 30000', { ...alive, LogLevel: 'INFO' })
    await eventually('the command runs', () => server.processes().length === 1)
    server.freeze()
    const lost = await finished(child)
    assert.equal(lost.code, 255)
    assert.match(lost.stderr, /Timeout, server 127\.0\.0\.1 not responding/)
    server.thaw()
    await eventually('the server saw it go', () => server.connections.length === 0)
    assert.equal(server.processes().length, 1)
  })

  test('shares one connection for several sessions', async () => {
    const server = await start()
    const control = { ControlPath: file('control'), ControlMaster: 'auto', ControlPersist: 'no' }
    const master = startSsh(server, 'cat', control)
    await eventually('the master runs its command', () => server.processes().length === 1)
    const second = await finished(startSsh(server, 'echo second', control))
    assert.deepEqual(second, { code: 0, stdout: 'second\n', stderr: '' })
    assert.equal(server.connections.length, 1)
    assert.equal((await finished(master, 'first')).stdout, 'first')
  })
})

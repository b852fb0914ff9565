import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { skipReason } from '../../servers/availability.js'
import { prepareSshd } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'
import { opensshClient } from './openssh.js'
import { ssh2Client } from './ssh2.js'

const skip = skipReason(await prepareSshd('9.2'))
const version = '9.2'
const limitMs = 20_000

for (const [name, clientOf] of [
  ['npm ssh2', ssh2Client],
  ['OpenSSH', opensshClient],
] as const) {
  describe(name, { skip, concurrency: true, timeout: 60_000 }, () => {
    test('logs in by key and tells how a command went', async (t) => {
      const peer = clientOf(t).start(await sshd(t, { version }), { job: 'exec', command: 'cat; exit 3' })
      await peer.event('ready', limitMs)
      peer.do({ step: 'write', bytes: 5 })
      assert.equal((await peer.event('data', limitMs)).text, '5')
      peer.do({ step: 'end-input' })
      assert.match((await peer.event('exit', limitMs)).text, /exit 3/)
      const settled = await peer.settled(limitMs)
      assert.ok(settled !== 'never' && /channel-close|exit/.test(settled.event))
    })

    test('gives a command its whole input', async (t) => {
      const peer = clientOf(t).start(await sshd(t, { version }), { job: 'exec', command: 'wc -c', stdin: 3_000_000 })
      await peer.settled(limitMs)
      // Seven digits and the end of the line.
      assert.equal(peer.events.find(({ event }) => event === 'data')?.text, '8')
    })

    test('logs in by password, and then says nothing while nothing happens', async (t) => {
      const { host, port, username, password } = await sshd(t, { version })
      const peer = clientOf(t).start({ host, port, username, password }, { job: 'idle' })
      await peer.event('ready', limitMs)
      assert.equal(await peer.settled(1500), 'never')
    })

    test('goes through hosts to another one', async (t) => {
      const [near, middle, far] = await Promise.all([1, 2, 3].map(() => sshd(t, { version })))
      assert.ok(near !== undefined && middle !== undefined && far !== undefined)
      const command = 'set -- $SSH_CONNECTION; exit $(($4 % 100 + 1))'
      const peer = clientOf(t).start({ ...far, jumps: [near, middle] }, { job: 'exec', command })
      await peer.settled(limitMs)
      assert.match((await peer.event('exit', limitMs)).text, new RegExp(`exit ${(far.port % 100) + 1}\\b`))
    })

    test('says in its own words why it could not log in', async (t) => {
      const { host, port, username } = await sshd(t, { version })
      const peer = clientOf(t).start({ host, port, username, password: 'wrong' }, { job: 'idle' })
      const settled = await peer.settled(limitMs)
      assert.ok(settled !== 'never')
      assert.match(settled.text, /authentication methods failed|Permission denied/)
    })
  })
}

test('OpenSSH asks SFTP', { skip, timeout: 60_000 }, async (t) => {
  const peer = opensshClient(t).start(await sshd(t, { version }), { job: 'sftp' })
  await peer.event('ready', limitMs)
  peer.do({ step: 'stat', path: '/' })
  peer.do({ step: 'end-input' })
  const settled = await peer.settled(limitMs)
  assert.ok(settled !== 'never' && /exit 0/.test(settled.text))
})

describe('npm ssh2, told to go on', { skip, concurrency: true, timeout: 60_000 }, () => {
  test('runs another command, asks SFTP, blocks its loop and closes', async (t) => {
    const peer = ssh2Client(t).start(await sshd(t, { version }), { job: 'idle' })
    await peer.event('ready', limitMs)
    peer.do({ step: 'block', ms: 300 })
    await peer.event('blocked', limitMs)
    peer.do({ step: 'stat', path: '/' })
    const stat = await peer.settled(limitMs)
    assert.ok(stat !== 'never')
    assert.deepEqual([stat.event, stat.text], ['callback', 'attributes came'])
    peer.do({ step: 'exec', command: 'echo hi' })
    await peer.event('channel-close', limitMs)
    peer.do({ step: 'end' })
    assert.equal((await peer.event('close', limitMs)).text, 'the connection is closed')
  })
})

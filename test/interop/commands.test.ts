import assert from 'node:assert/strict'
import { test } from 'node:test'
import { login } from '../session/sshd.js'
import { forEachPeer } from './peers.js'

const numbers = [...Array(100).keys()]

forEachPeer((peer) => {
  test(`runs 100 commands, ${peer.commandsAtOnce} at once`, async (t) => {
    const server = await peer.start()
    t.after(() => server.stop())
    const ssh = await login(t, server)
    const left = numbers.values()
    const runSome = async (): Promise<void> => {
      for (const n of left) {
        const { stdout, stderr, exitCode } = await ssh.exec(`cat; echo err ${n} >&2; exit ${n}`, { stdin: `in ${n}` })
        assert.deepEqual({ stdout, stderr, exitCode }, { stdout: `in ${n}`, stderr: `err ${n}\n`, exitCode: n })
      }
    }
    await Promise.all(Array.from({ length: peer.commandsAtOnce }, runSome))
  })

  test('runs a command with a terminal to its end, whose input has ended before', async (t) => {
    const server = await peer.start()
    t.after(() => server.stop())
    const ssh = await login(t, server)
    const silent = await ssh.exec('sleep 1; echo done', { pty: true })
    assert.deepEqual([silent.stdout.trim(), silent.exitCode, silent.signal], ['done', 0, null])
    const asked = await ssh.exec('read line; sleep 1; echo "got $line"', { pty: true, stdin: 'hello\n' })
    assert.match(asked.stdout, /got hello/)
    assert.equal(asked.exitCode, 0)
  })
})

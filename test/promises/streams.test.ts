/** The streams of a command under pressure, and what `stats()` shows of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { CommandError } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { leavesNothing } from './support/leaks.js'
import { failure } from './support/outcome.js'

leavesNothing()

const skip = skipReason(await prepareSshd('10'))

describe('the streams of a command', { skip, concurrency: true, timeout: 30_000 }, () => {
  test('stdin says false when it is full, and drain once the command read', async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-gate-'))
    t.after(() => rm(folder, { recursive: true }))
    await chmod(folder, 0o755)
    const gate = join(folder, 'open')
    // It reads nothing until the test has seen what it is to see.
    const command = await ssh.spawn(`until [ -e ${gate} ]; do sleep 0.05; done; wc -c`)
    const sent: number[] = []
    const write = (size: number) => command.stdin.write(Buffer.alloc(size), () => sent.push(size))
    assert.deepEqual([write(1000), write(4_000_000), write(10)], [true, false, false])
    await until(() => ssh.stats().channels[0]?.sendWindow === 0)
    assert.ok((ssh.stats().channels[0]?.unsentBytes ?? 0) > 1_000_000)
    assert.deepEqual(sent, [1000])
    const drained = once(command.stdin, 'drain')
    await writeFile(gate, '')
    await drained
    assert.deepEqual(sent, [1000, 4_000_000, 10])
    command.stdin.end()
    assert.equal(await text(command.stdout), '4001010\n')
  })

  test('stdout that is destroyed in the middle holds up neither the command nor stderr', async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const command = await ssh.spawn('head -c 20000000 /dev/zero; echo done >&2')
    await once(command.stdout, 'data')
    command.stdout.destroy()
    assert.equal(await text(command.stderr), 'done\n')
    assert.equal((await command.exited).exitCode, 0)
  })

  test('stdin that is destroyed tells the command that its input is over', async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const command = await ssh.spawn('cat; echo over')
    command.stdin.write('some')
    await once(command.stdout, 'readable')
    command.stdin.destroy()
    assert.equal(await text(command.stdout), 'someover\n')
  })

  test('stdin whose source fails ends the command, which must not take a part for the whole', async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const command = await ssh.spawn('cat; echo over')
    await assert.rejects(pipeline(createReadStream('/nonexistent'), command.stdin), { code: 'ENOENT' })
    const { error } = await failure(command.exited)
    assert.ok(error instanceof CommandError)
    assert.equal(error.code, 'ERR_SSH_STDIN')
    // By TERM or, where the machine took its time over that, by KILL.
    assert.ok(['terminated', 'killed'].includes(error.remote), error.remote)
    assert.equal(await text(command.stdout).catch(() => ''), '')
  })

  test('stdin that is written to after its end does no harm to the command', async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const command = await ssh.spawn('sleep 0.3; cat')
    command.stdin.end('all')
    await once(command.stdin, 'finish')
    command.stdin.write('more')
    assert.equal(await text(command.stdout), 'all')
    assert.equal((await command.exited).exitCode, 0)
  })
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

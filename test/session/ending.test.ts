import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { type Client, type Command, CommandError, type ExecOptions } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareDropbear, startDropbear } from '../servers/dropbear.js'
import { keyPool } from '../servers/keys.js'
import type { ReferenceServer } from '../servers/reference-server.js'
import { prepareSshd, type SshdOptions } from '../servers/sshd.js'
import { heldClock } from './held-clock.js'
import { login, running, sshd } from './sshd.js'

const timeout = 1000
/** KILL follows no sooner upon TERM. */
const killAtMs = 1000
/** By the clock, what is due has been done by then, and what follows is not due yet. */
const dueMs = 200
/** The most that the end of a command takes. */
const abandonedMs = 3000
/** Of a machine that has much else to do; what is not bounded would take 30,000 s. */
const slackMs = 6000

const clock = heldClock()

interface Opened {
  readonly server: ReferenceServer
  readonly ssh: Client
}

/** Runs a command into its limit, before which the server has started so many programs: see `programsRun()`. */
async function fails({ server, ssh }: Opened, command: string, options: ExecOptions = {}, programs = 1) {
  const { ended } = await clock.holdAfter(0, async () => {
    const failing = endOf(ssh.exec(command, { timeout, ...options }))
    await programsRun(server, programs)
    return { ended: failing }
  })
  const error = await ended
  assert.equal(error.limit, 'timeout')
  return error
}

/** The same where TERM is to end it: before anything more is due. */
async function isTerminated(...args: Parameters<typeof fails>): Promise<CommandError> {
  return clock.holdAfter(timeout + dueMs, () => fails(...args))
}

async function endOf(command: Promise<unknown>): Promise<CommandError> {
  const error: unknown = await command.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  assert.ok(error instanceof CommandError)
  return error
}

/** The shells of our commands are others. */
async function programsRun(server: ReferenceServer, count: number): Promise<void> {
  const programs = async () => (await running(server)).filter(({ name }) => name === 'sleep' || name === 'yes')
  await until(async () => (await programs()).length >= count)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleepFor(20)
}

async function firstLine({ stdout }: Command): Promise<string> {
  const [chunk] = (await once(stdout, 'data')) as [Buffer]
  return chunk.toString().trim()
}

/**
 * Gives a command up once it has said that it is ready, and lets the clock go on once TERM has shown its effect, until so
 * many milliseconds after that.
 * @returns how it ended, and after how many milliseconds
 */
async function endsOnceReady(ssh: Client, line: string, withinMs: number, termShows: () => Promise<void>) {
  const abort = new AbortController()
  const command = await ssh.spawn(line, { signal: abort.signal })
  assert.equal(await firstLine(command), 'ready')
  const since = performance.now()
  const { ended } = await clock.holdAfter(0, async () => {
    abort.abort()
    const failing = endOf(command.exited)
    await termShows()
    return { ended: failing }
  })
  const error = await clock.holdAfter(withinMs, () => ended)
  return { error, tookMs: performance.now() - since }
}

/** What a dying shell hangs up is gone a moment after it. */
async function expectGone(server: ReferenceServer): Promise<void> {
  const giveUpAt = performance.now() + 2000
  while ((await running(server)).length > 0 && performance.now() < giveUpAt) await sleepFor(20)
  assert.deepEqual(await running(server), [])
}

/** Logs in with a key that forces a command. */
async function withForcedKey(version: '9.2' | '10', command: string): Promise<SshdOptions> {
  const { client } = await keyPool()
  const key = await readFile(client.files.ed25519.publicKey, 'utf8')
  return { version, authorizedKeys: `command="${command.replaceAll('"', '\\"')}" ${key}` }
}

const sleep = '/usr/bin/sleep 30000'
const passing = 'eval "$SSH_ORIGINAL_COMMAND"'
for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  for (const username of ['root', 'holdfast-test']) {
    const isDeaf = username === 'root' && version === '9.2'
    const by = isDeaf ? 'process-group' : 'signal'
    const open = async (t: TestContext, options: SshdOptions) => {
      const server = await sshd(t, options)
      return { server, ssh: await login(t, server, { username }) }
    }

    describe(`a command at its limit, sshd ${version}, as ${username}`, { skip, concurrency: 3 }, () => {
      for (const [name, command, options] of [
        ['a simple one', sleep, {}],
        ['a compound one', 'sleep 30000; true', {}],
        ['one with a terminal', sleep, { pty: true }],
      ] as const) {
        test(`${name} is gone`, async (t) => {
          const { server, ssh } = await open(t, { version })
          const error = await isTerminated({ server, ssh }, command, options)
          assert.deepEqual([error.remote, error.ending.by, error.signal], ['terminated', by, 'SIGTERM'])
          await expectGone(server)
        })
      }

      test('one that ignores TERM is killed', async (t) => {
        const { server, ssh } = await open(t, { version })
        const line = 'trap : TERM; echo ready; sleep 30000; sleep 29999; true'
        const { error, tookMs } = await endsOnceReady(ssh, line, killAtMs + dueMs, () =>
          until(async () => (await running(server)).some(({ command }) => command === 'sleep 29999')),
        )
        assert.deepEqual([error.remote, error.ending.by], ['killed', by])
        assert.ok(tookMs >= killAtMs, `${tookMs} ms`)
        await expectGone(server)
      })

      test('one of which a part ignores TERM is not called gone while that part runs', async (t) => {
        const { server, ssh } = await open(t, { version })
        const line = '(trap "" TERM; echo ready; sleep 30000; sleep 30000) & sleep 30000; true'
        const { error, tookMs } = await endsOnceReady(ssh, line, killAtMs + dueMs, async () => {
          // Of the two shells that have this line.
          await until(async () => (await running(server)).filter(({ command }) => command.includes(line)).length === 1)
          // What the server says of the end of the other comes before this answer.
          await ssh.keepalive.send()
        })
        const { remote, ending, outputOpen } = error
        assert.ok(tookMs >= killAtMs, `${tookMs} ms`)
        assert.equal(ending.by, by)
        if (isDeaf) {
          assert.deepEqual([remote, outputOpen], ['killed', false])
          await expectGone(server)
          return
        }
        assert.deepEqual([remote, outputOpen], ['abandoned', true])
        assert.match(ending.detail, /ended by TERM .* still holds its output open/)
        assert.ok((await running(server)).length > 0)
      })

      test('one whose part takes its time after TERM is gone', async (t) => {
        const { server, ssh } = await open(t, { version })
        const slow = 'trap "sleep 0.5; exit" TERM; echo ready; while :; do sleep 0.1; done'
        const { error } = await endsOnceReady(ssh, `sh -c '${slow}'; true`, 0, async () => {})
        assert.deepEqual([error.remote, error.ending.by], ['terminated', by])
        await expectGone(server)
      })

      test('one whose output nobody reads is gone', async (t) => {
        const { server, ssh } = await open(t, { version })
        const { remote, ending } = await clock.holdAfter(timeout + dueMs, async () => {
          const { exited } = await clock.holdAfter(0, async () => {
            const command = await ssh.spawn('exec yes', { timeout })
            await programsRun(server, 1)
            return command
          })
          return endOf(exited)
        })
        assert.deepEqual([remote, ending.by], ['terminated', by])
        await expectGone(server)
      })

      test('one that something else outlives is not called gone', async (t) => {
        const opened = await open(t, { version })
        const { remote, outputOpen } = await fails(opened, 'setsid sleep 600 & sleep 30000; true', {}, 2)
        assert.deepEqual([remote, outputOpen], ['abandoned', true])
      })

      test('one of five that look alike is gone, and no other', async (t) => {
        const { server, ssh } = await open(t, { version })
        const command = `echo $$; exec ${sleep}`
        const earlier = await Promise.all([1, 2].map(() => ssh.spawn(command)))
        const failing = isTerminated({ server, ssh }, command, {}, 5)
        const later = await Promise.all([1, 2].map(() => ssh.spawn(command)))
        const others = await Promise.all([...earlier, ...later].map((other) => firstLine(other)))
        const error = await failing
        assert.equal(error.remote, 'terminated')
        const pids = (await running(server)).map(({ pid }) => String(pid))
        assert.deepEqual(pids.toSorted(), others.toSorted())
        assert.ok(!pids.includes(String(error.stdout).trim()))
      })

      test('nine at once are gone', async (t) => {
        const { server, ssh } = await open(t, { version })
        const errors = await Promise.all(Array.from({ length: 9 }, () => isTerminated({ server, ssh }, sleep, {}, 9)))
        for (const { remote, ending } of errors) assert.equal(remote, 'terminated', ending.detail)
        await expectGone(server)
      })

      test('a forced one with a terminal is gone', async (t) => {
        const { server, ssh } = await open(t, await withForcedKey(version, sleep))
        const error = await isTerminated({ server, ssh }, 'anything', { pty: true })
        assert.deepEqual([error.remote, error.ending.by], ['terminated', 'close'])
        await expectGone(server)
      })

      test('a forced one that runs what it is asked for is gone, where its caller says so', async (t) => {
        const { server, ssh } = await open(t, await withForcedKey(version, passing))
        for (const command of [sleep, 'sleep 30000; true']) {
          const error = await isTerminated({ server, ssh }, command, { secondSession: 'always' })
          assert.deepEqual([error.remote, error.ending.by], ['terminated', 'process-group'])
        }
        await expectGone(server)
      })

      test('a shell is gone, and what runs in its foreground', async (t) => {
        const { server, ssh } = await open(t, { version })
        const shell = await ssh.shell()
        shell.stdin.write('echo be""gins; sleep 30000\n')
        for await (const chunk of shell.stdout.iterator({ destroyOnReturn: false }))
          if (String(chunk).includes('begins')) break
        await shell[Symbol.asyncDispose]()
        assert.equal((await endOf(shell.exited)).remote, 'killed')
        await expectGone(server)
      })

      test('a subsystem is gone', async (t) => {
        const { server, ssh } = await open(t, { version })
        const sftp = await ssh.subsystem('sftp')
        // INIT of version 3: its answer shows that the program runs.
        sftp.stdin.write(Buffer.of(0, 0, 0, 5, 1, 0, 0, 0, 3))
        await once(sftp.stdout, 'data')
        assert.deepEqual(
          (await running(server)).map(({ name }) => name),
          ['sftp-server'],
        )
        await sftp[Symbol.asyncDispose]()
        const { remote, ending } = await endOf(sftp.exited)
        assert.deepEqual([remote, ending.by], ['terminated', 'close'], ending.detail)
        await expectGone(server)
      })

      test('a subsystem that is stopped is gone too, where its caller allows a second session', async (t) => {
        const { server, ssh } = await open(t, { version })
        const sftp = await ssh.subsystem('sftp', { secondSession: 'always' })
        sftp.stdin.write(Buffer.of(0, 0, 0, 5, 1, 0, 0, 0, 3))
        await once(sftp.stdout, 'data')
        for (const { pid } of await running(server)) process.kill(pid, 'SIGSTOP')
        await sftp[Symbol.asyncDispose]()
        const { remote, ending } = await endOf(sftp.exited)
        assert.deepEqual([remote, ending.by], ['killed', 'process-group'])
        await expectGone(server)
      })
    })
  }

  describe(`a command that cannot be ended, sshd ${version}`, { skip, concurrency: 3 }, () => {
    test('a forced one is abandoned, says so, and is not run again', async (t) => {
      const runs = await mkdtemp(join(tmpdir(), 'holdfast-runs-'))
      t.after(() => rm(runs, { recursive: true }))
      await chmod(runs, 0o777)
      const server = await sshd(t, await withForcedKey(version, `mktemp ${runs}/XXXXXX; ${sleep}`))
      const ssh = await login(t, server)
      const error = await fails({ server, ssh }, 'anything')
      assert.deepEqual([error.remote, error.ending.by], ['abandoned', 'none'])
      assert.match(error.ending.detail, /forced command/)
      assert.ok(error.durationMs < timeout + abandonedMs + slackMs, `${error.durationMs} ms`)
      assert.equal((await readdir(runs)).length, 1)
    })

    test('one that sshd_config forces is abandoned, and is not run again', async (t) => {
      const server = await sshd(t, { version, config: { ForceCommand: `echo run; ${sleep}` } })
      const ssh = await login(t, server)
      const error = await fails({ server, ssh }, 'anything')
      assert.deepEqual([error.stdout, error.remote], ['run\n', 'abandoned'])
      assert.equal((await running(server)).length, 1)
    })

    test('a subsystem in whose place sshd_config forces a command does not run that again', async (t) => {
      const server = await sshd(t, { version, config: { ForceCommand: `echo run; ${sleep}` } })
      const ssh = await login(t, server)
      const sftp = await ssh.subsystem('sftp', { timeout })
      assert.equal(await firstLine(sftp), 'run')
      assert.equal((await endOf(sftp.exited)).remote, 'abandoned')
      assert.equal((await running(server)).length, 1)
    })

    test('keeps its place, and a later refusal names it', async (t) => {
      const server = await sshd(t, { version, config: { ForceCommand: sleep, MaxSessions: 1 } })
      const ssh = await login(t, server, { limits: { channelOpen: '1s' } })
      assert.equal((await fails({ server, ssh }, 'long --winded')).remote, 'abandoned')
      assert.deepEqual(ssh.stats().sessions, { open: 1, waiting: 0, abandoned: ['long --winded'] })
      await assert.rejects(ssh.exec('next'), (error) => {
        assert.ok(error instanceof CommandError)
        assert.deepEqual([error.limit, error.remote], ['channelOpen', 'not-started'])
        assert.match(error.hint, /'long --winded'/)
        return true
      })
    })
  })
}

describe('a command at its limit, dropbear', { skip: skipReason(await prepareDropbear('2022.83')) }, () => {
  test('a simple one is gone; of a compound one only the shell is, which is said', async (t) => {
    const server = await startDropbear({ version: '2022.83' })
    t.after(() => server.stop())
    const ssh = await login(t, server)
    const simple = await isTerminated({ server, ssh }, sleep)
    assert.deepEqual([simple.remote, simple.ending.by], ['terminated', 'signal'])
    assert.deepEqual(await running(server), [])
    const compound = await fails({ server, ssh }, 'sleep 30000; true')
    assert.deepEqual([compound.remote, compound.ending.by], ['abandoned', 'signal'])
    assert.match(compound.ending.detail, /ended by TERM/)
    assert.deepEqual(
      (await running(server)).map(({ name }) => name),
      ['sleep'],
    )
  })
})

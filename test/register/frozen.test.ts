/** Ten programs that nobody edits, each with a server that is frozen in the middle of its work. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServer, type TestServer } from 'holdfast/testing'
import { folderServer } from '../sftp/folder-server.js'
import { type LegacyProgram, legacyPrograms, stage } from './legacy-programs.js'
import { entries, makeProgramFolder, quietEnvironment } from './program-folder.js'

/**
 * As an administrator sets them: dead after 8 s of silence, and a connect that is not over after 15 s is given up. On a busy
 * machine all that comes before the freezing has to be done within them.
 */
const limits = { HOLDFAST_KEEPALIVE_INTERVAL: '4s', HOLDFAST_KEEPALIVE_COUNT_MAX: '1', HOLDFAST_LIMITS_CONNECT: '15s' }
/** The longest of those limits, and what a busy machine takes besides. */
const boundMs = 15_000 + 60_000
/** How much longer the same program without Holdfast is given to settle after all. */
const graceMs = 3000

const folder = makeProgramFolder()
const files = mkdtempSync(path.join(tmpdir(), 'holdfast-register-files-'))

before(() => {
  for (const name of ['ssh2', 'node-ssh', 'ssh2-sftp-client', 'tunnel-ssh']) folder.link(name)
  folder.write('stage.cjs', stage)
  for (const { file, text } of legacyPrograms) folder.write(file, text)
})
after(() => {
  folder.remove()
  rmSync(files, { recursive: true, force: true })
})

interface Running {
  readonly server: TestServer
  readonly child: ChildProcess
  /** What it wrote, line by line, as it comes. */
  readonly lines: AsyncIterator<string>
}

/** A program with a server of its own, both gone with the test. */
async function begin(t: TestContext, { file }: LegacyProgram, env: NodeJS.ProcessEnv): Promise<Running> {
  const server = await startServer({
    users: { deploy: { password: 'secret' } },
    exec: ({ signal }) => once(signal, 'abort').then(() => null),
    subsystems: { sftp: folderServer(files) },
    forwarding: true,
  })
  t.after(() => server.close())
  const child = spawn(process.execPath, [file], {
    cwd: folder.path,
    env: { ...quietEnvironment(), SERVER: JSON.stringify({ port: server.port }), ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return { server, child, lines }
}

/** Stops the server where the program waits for that, and lets it go on. */
async function freeze({ server, child, lines }: Running): Promise<void> {
  await line(lines, 'ready')
  server.freeze()
  child.stdin?.write('frozen\n')
}

/** Until it writes a line that begins so. The libraries write lines of their own. */
async function line(lines: AsyncIterator<string>, start: string): Promise<void> {
  for (;;) {
    const result = await lines.next()
    if (result.done === true) assert.fail(`the program ended, and never wrote ${start}`)
    if (result.value.startsWith(start)) return
  }
}

describe('with a server that is frozen, a program that nobody edits', { concurrency: 5, timeout: 230_000 }, () => {
  for (const program of legacyPrograms) {
    test(`${program.name}: settles under the register, and does not without it`, async (t) => {
      const [theirs, ours] = await Promise.all([
        begin(t, program, {}),
        begin(t, program, { ...limits, NODE_OPTIONS: `--require "${entries.commonJs}"` }),
      ])
      await Promise.all([freeze(theirs), freeze(ours)])
      const frozenAt = performance.now()
      await line(ours.lines, 'settled')
      assert.ok(performance.now() - frozenAt < boundMs)
      if (ours.child.exitCode === null) await once(ours.child, 'exit')
      assert.equal(ours.child.exitCode, 0)
      const settled = line(theirs.lines, 'settled')
      assert.equal(await Promise.race([settled, sleep(graceMs, 'waits')]), 'waits')
      assert.equal(theirs.child.exitCode, null)
    })
  }
})

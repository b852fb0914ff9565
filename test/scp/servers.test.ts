/** Against real servers, and the scp of this machine, which they run. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { type Client, type CommandError, ScpError, type TransferProgress } from 'holdfast'
import { type Availability, skipReason } from '../servers/availability.js'
import { prepareDropbear, startDropbear } from '../servers/dropbear.js'
import { childrenOf, signalIfAlive } from '../servers/process-tree.js'
import { isDaemon, type ReferenceServer } from '../servers/reference-server.js'
import { prepareSshd, startSshd } from '../servers/sshd.js'
import { login, running } from '../session/sshd.js'

interface Kind {
  readonly name: string
  readonly availability: Availability
  start(): Promise<ReferenceServer>
}

const kinds: readonly Kind[] = [
  { name: 'sshd 9.2', availability: await prepareSshd('9.2'), start: () => startSshd({ version: '9.2' }) },
  { name: 'sshd 10', availability: await prepareSshd('10'), start: () => startSshd({ version: '10' }) },
  {
    name: 'dropbear 2022.83',
    availability: await prepareDropbear('2022.83'),
    start: () => startDropbear({ version: '2022.83' }),
  },
  {
    name: 'dropbear 2025',
    availability: await prepareDropbear('2025'),
    start: () => startDropbear({ version: '2025' }),
  },
]

interface World {
  readonly ssh: Client
  readonly server: ReferenceServer
  /** Where the user of the server may write. */
  readonly there: (name: string) => string
  readonly here: (name: string) => string
}

async function world(t: TestContext, kind: Kind): Promise<World> {
  const server = await kind.start()
  t.after(() => server.stop())
  const ssh = await login(t, server)
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-scp-'))
  t.after(() => fs.rm(folder, { recursive: true, force: true }))
  const at = (side: string) => (name: string) => path.join(folder, side, name)
  const { stdout } = await ssh.exec('id -u; id -g')
  const [uid, gid] = stdout.trim().split('\n').map(Number)
  for (const side of ['there', 'here']) await fs.mkdir(at(side)(''))
  await fs.chmod(folder, 0o755)
  await fs.chown(at('there')(''), uid ?? 0, gid ?? 0)
  return { ssh, server, there: at('there'), here: at('here') }
}

const digest = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await fs.readFile(file))
    .digest('hex')

const isScpThere = await fs.access('/usr/bin/scp').then(
  () => true,
  () => false,
)

const sshd92 = skipReason(await prepareSshd('9.2'))

test('a scp that reads slowly is not taken for a frozen one', { skip: sshd92 }, async (t) => {
  const size = 3_000_000
  // At about 1 MB/s. What waits in windows and pipes when all is sent takes longer than the limit.
  const reads = `for i in $(seq ${size / 100_000}); do head -c 100000 >/dev/null; sleep 0.1; done`
  const command = `printf '\\000\\000'; ${reads}; head -c 16 >/dev/null; printf '\\000'; cat >/dev/null`
  const server = await startSshd({
    version: '9.2',
    config: { ForceCommand: `sh -c "${command.replaceAll('$', String.raw`\$`)}"` },
  })
  t.after(() => server.stop())
  const ssh = await login(t, server)
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-scp-'))
  t.after(() => fs.rm(folder, { recursive: true, force: true }))
  await fs.writeFile(path.join(folder, 'x'), Buffer.alloc(size))
  let sentAt = 0
  const progress = ({ bytes }: TransferProgress): void => {
    if (bytes === size) sentAt = performance.now()
  }
  await ssh.scp.put(path.join(folder, 'x'), 'x', { idleTimeout: '800ms', preserve: false, progress })
  const restMs = performance.now() - sentAt
  assert.ok(restMs > 1000, `${restMs} ms`)
})

for (const kind of kinds) {
  const skip = skipReason(kind.availability) || (isScpThere ? false : 'this machine has no scp')

  describe(`scp on ${kind.name}`, { skip }, () => {
    test('a file goes there and back, with its permissions and times', async (t) => {
      const { ssh, there, here } = await world(t, kind)
      for (const size of [0, 1, 32_768, 5_000_001]) {
        await fs.writeFile(here('a'), randomBytes(size))
        await fs.chmod(here('a'), 0o640)
        await fs.utimes(here('a'), 1e9, 1.1e9)
        const seen: TransferProgress[] = []
        const sent = await ssh.scp.put(here('a'), there('b'), { progress: (progress) => seen.push(progress) })
        assert.deepEqual(sent, { files: 1, directories: 0, bytes: size, skipped: [] })
        assert.equal(seen.at(-1)?.bytes ?? 0, size)
        const got = await ssh.scp.get(there('b'), here('c'))
        assert.deepEqual(got, sent)
        for (const file of [there('b'), here('c')]) {
          const { mode, mtimeMs } = await fs.stat(file)
          assert.deepEqual([mode & 0o777, mtimeMs], [0o640, 1.1e12])
          assert.equal(await digest(file), await digest(here('a')))
        }
        await fs.rm(here('c'))
      }
    })

    test('files get the permissions that are asked for, and directories keep theirs', async (t) => {
      const { ssh, there, here } = await world(t, kind)
      await fs.mkdir(here('tree'))
      await fs.writeFile(here('tree/file'), 'x')
      await fs.chmod(here('tree'), 0o750)
      await fs.chmod(here('tree/file'), 0o644)
      await fs.utimes(here('tree/file'), 1e9, 1.1e9)
      for (const mode of [0o600, '777']) {
        await ssh.scp.put(here('tree/file'), there('file'), { mode })
        const { mode: made, mtimeMs } = await fs.stat(there('file'))
        assert.deepEqual([made & 0o777, mtimeMs], [Number.parseInt(mode === '777' ? mode : '600', 8), 1.1e12])
      }
      await ssh.scp.put(here('tree'), there('copy'), { mode: 0o604, recursive: true })
      assert.equal((await fs.stat(there('copy'))).mode & 0o777, 0o750)
      assert.equal((await fs.stat(there('copy/file'))).mode & 0o777, 0o604)
    })

    test('a tree goes there and back, and once more over what is there', async (t) => {
      const { ssh, there, here } = await world(t, kind)
      await fs.mkdir(here('tree/sub/deep'), { recursive: true })
      await fs.mkdir(here('tree/empty'))
      const names = Array.from({ length: 60 }, (_, index) => `sub/${index}`)
      for (const name of [...names, 'sub/deep/ä b', "it's", String.raw`back\slash`, '-dash'])
        await fs.writeFile(here(`tree/${name}`), name)
      await fs.symlink('sub/1', here('tree/link'))
      await fs.writeFile(here('tree/two\nlines'), '')
      await fs.utimes(here('tree/sub'), 1e9, 1.1e9)
      for (let round = 0; round < 2; round++) {
        const up = await ssh.scp.put(here('tree'), there('copy'), { recursive: true })
        assert.deepEqual([up.files, up.directories], [64, 4])
        assert.deepEqual(up.skipped.map((entry) => entry.path).toSorted(), [here('tree/link'), here('tree/two\nlines')])
        const down = await ssh.scp.get(there('copy'), here('back'), { recursive: true })
        assert.deepEqual([down.files, down.directories, down.skipped], [64, 4, []])
      }
      const sides = await Promise.all([here('tree'), here('back')].map((side) => fs.readdir(side, { recursive: true })))
      const [sent, got] = sides.map((side) => side.filter((name) => !/link|lines/.test(name)).toSorted())
      assert.deepEqual(got, sent)
      for (const name of names) assert.equal(await fs.readFile(here(`back/${name}`), 'utf8'), name)
      assert.equal((await fs.stat(here('back/sub'))).mtimeMs, 1.1e12)
    })

    test('a tree goes into a directory that has no name of its own', async (t) => {
      const { ssh, there, here } = await world(t, kind)
      await fs.mkdir(here('tree/sub'), { recursive: true })
      await fs.writeFile(here('tree/sub/file'), 'x')
      await ssh.scp.put(here('tree'), `${there('')}/.`, { recursive: true })
      assert.equal(await fs.readFile(there('sub/file'), 'utf8'), 'x')
      await ssh.scp.get(`${there('')}/.`, here('back'), { recursive: true })
      assert.equal(await fs.readFile(here('back/sub/file'), 'utf8'), 'x')
    })

    test('no name reaches the shell of the server as more than a name', async (t) => {
      const { ssh, there, here } = await world(t, kind)
      await fs.writeFile(here('x'), 'x')
      const names = ["a'b", 'a b', '$(touch pwned)', '`touch pwned`', 'a;touch pwned', '*', '~', 'a"b', '-rf', '#', '&']
      names.push(String.raw`a\'; touch pwned; '`, String.raw`\n`, '!!', '{a,b}', '[ab]')
      for (const name of names) {
        await ssh.scp.put(here('x'), there(name))
        await ssh.scp.get(there(name), here(`back ${names.indexOf(name)}`))
        await ssh.scp.put(here('x'), name)
        await ssh.scp.get(name, here(`relative ${names.indexOf(name)}`))
        await ssh.exec(`rm -- '${name.replaceAll("'", String.raw`'\''`)}'`, { check: true })
      }
      assert.deepEqual((await fs.readdir(there(''))).toSorted(), names.toSorted())
      assert.equal((await fs.readdir(here(''))).length, 1 + 2 * names.length)
    })

    test('what scp refuses is told in its own words, and nothing of it runs on', async (t) => {
      const { ssh, server, there, here } = await world(t, kind)
      await fs.writeFile(here('x'), randomBytes(3_000_000))
      await fs.mkdir(there('directory'))
      await refused(ssh.scp.get(there('none'), here('y')), there('none'), /No such file/)
      await refused(ssh.scp.get(there('directory'), here('y')), there('directory'), /not a regular file/)
      await refused(ssh.scp.put(here('x'), there('none/x')), there('none/x'), /No such file/)
      await refused(ssh.scp.put(here('x'), there('directory')), there('directory'), /directory/)
      await assert.rejects(ssh.scp.put(here('none'), there('x')), { code: 'ERR_SSH_SCP_LOCAL' })
      await assert.rejects(ssh.scp.put(here(''), there('x')), { code: 'ERR_SSH_OPTION' })
      await assert.rejects(ssh.scp.get(there('x'), here('no/x')), { code: 'ERR_SSH_SCP_FAILURE' })
      await fs.writeFile(there('x'), 'x')
      await assert.rejects(ssh.scp.get(there('x'), here('no/x')), { code: 'ERR_SSH_SCP_LOCAL' })
      await ssh.exec('true')
      assert.deepEqual(await running(server), [])
    })

    test('a scp that is stopped is reported, and ended', async (t) => {
      const { ssh, server, there, here } = await world(t, kind)
      await fs.writeFile(here('big'), Buffer.alloc(60_000_000))
      await fs.writeFile(there('big'), Buffer.alloc(60_000_000))
      const connections = (await server.processes()).filter(({ role }) => role === 'connection')
      for (const way of ['put', 'get'] as const) {
        let isStopped = false
        const progress = ({ bytes }: TransferProgress): void => {
          if (isStopped || bytes <= 1_000_000) return
          stopCommands(connections.map(({ pid }) => pid))
          isStopped = true
        }
        const options = { idleTimeout: '1s', progress } as const
        const call =
          way === 'put' ? ssh.scp.put(here('big'), there('y'), options) : ssh.scp.get(there('big'), here('y'), options)
        await assert.rejects(call, (error: CommandError) => {
          assert.deepEqual([error.code, error.limit], ['ERR_SSH_TIMEOUT', 'idleTimeout'], error.message)
          return true
        })
        assert.equal(ssh.liveness.state, 'alive')
        for (const { pid } of await running(server)) signalIfAlive(pid, 'SIGKILL')
      }
      assert.equal((await ssh.exec('echo alive')).stdout, 'alive\n')
    })

    test('an abort ends it here and there', async (t) => {
      const { ssh, server, there, here } = await world(t, kind)
      await fs.writeFile(here('big'), Buffer.alloc(40_000_000))
      await fs.writeFile(there('big'), Buffer.alloc(40_000_000))
      for (const way of ['put', 'get'] as const) {
        const stop = new AbortController()
        const progress = ({ bytes }: TransferProgress): void => {
          if (bytes > 1_000_000) stop.abort('enough')
        }
        const options = { signal: stop.signal, progress }
        const call =
          way === 'put' ? ssh.scp.put(here('big'), there('y'), options) : ssh.scp.get(there('big'), here('y'), options)
        await assert.rejects(call, (error: CommandError) => {
          assert.deepEqual([error.name, error.code, error.cause], ['AbortError', 'ERR_SSH_ABORTED', 'enough'])
          assert.ok(['terminated', 'killed', 'exited'].includes(error.remote), `${error.remote}: ${error.message}`)
          return true
        })
        assert.deepEqual(await running(server), [])
      }
      assert.equal((await ssh.exec('echo alive')).stdout, 'alive\n')
    })
  })
}

/** At once, and not when a list of all processes has been read: on a busy machine the transfer could be over by then. */
function stopCommands(parents: readonly number[]): void {
  for (const child of parents.flatMap(childrenOf)) {
    if (!isDaemon(child)) signalIfAlive(child.pid, 'SIGSTOP')
    stopCommands([child.pid])
  }
}

async function refused(call: Promise<unknown>, remote: string, says: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ScpError, String(error))
    assert.deepEqual([error.code, error.path], ['ERR_SSH_SCP_FAILURE', remote])
    assert.match(error.message, says)
    return true
  })
}

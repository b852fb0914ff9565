/** A client that reconnects, in a network that does what it likes: what is promised holds wherever it breaks. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, CommandError, HoldfastError } from 'holdfast'
import type { BadNetwork } from 'holdfast/testing'
import { client, network, server } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { folderServer } from '../../sftp/folder-server.js'

leavesNothing()

const lastsMs = 5000
/** A day goes on until so many connections were made: on a machine that is busy each takes a while. */
const leastConnections = 4
/** From when the network is well again: a verdict, a delay, an attempt, and a machine that has much else to do. */
const settledWithinMs = 20_000

/** The same numbers for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface World {
  readonly ssh: Client
  readonly relay: BadNetwork
  /** Each command that the server ran. */
  readonly ran: string[]
}

async function world(t: TestContext): Promise<World> {
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'reconnect-'))
  t.after(() => fs.rm(folder, { recursive: true }))
  const ran: string[] = []
  const started = await server(t, {
    forwarding: true,
    subsystems: { sftp: folderServer(folder) },
    exec: async ({ command = '', stdout }) => {
      ran.push(command)
      await pause(Number(command.split(' ')[1]))
      stdout.write(command)
      return 0
    },
  })
  const relay = await network(t, started)
  const ssh = await client(t, relay, {
    reconnect: { minDelay: 10, maxDelay: 200, maxTime: '1m' },
    keepalive: { interval: 100, countMax: 2 },
    // What a login takes where the machine is busy is not what this is about.
    limits: { connect: '5s' },
  })
  return { ssh, relay, ran }
}

/** Does something to the network, and puts most of it right again a moment later. */
async function trouble({ relay }: World, random: () => number): Promise<void> {
  const kinds = [
    () => relay.reset(),
    () => relay.reset(),
    () => relay.cut(),
    () => relay.swallow({ direction: 'toClient' }),
    () => relay.stall(),
    () => relay.forget(),
    () => relay.delay({ ms: 50 }),
  ]
  kinds[Math.floor(random() * kinds.length)]?.()
  await pause(random() * 400)
  relay.heal()
}

type Outcome = 'done' | HoldfastError

async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work
    return 'done'
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error))
    return error
  }
}

async function writes(ssh: Client, file: string): Promise<void> {
  const sftp = await ssh.sftp()
  try {
    await sftp.writeFile(file, 'x')
  } finally {
    await sftp.close()
  }
}

/** One call of a program, by chance. */
function call({ ssh }: World, random: () => number, forwardTo: number, n: number): Promise<unknown> {
  const kind = Math.floor(random() * 5)
  if (kind === 0) return ssh.exec(`${n} 10`, { signal: AbortSignal.timeout(300) })
  if (kind === 1) return writes(ssh, `/${n}`)
  if (kind === 2) return ssh.connectTo({ host: '127.0.0.1', port: forwardTo }).then((tunnel) => tunnel.destroy())
  return ssh.exec(`${n} ${Math.floor(random() * 100)}`)
}

for (const seed of [1, 2, 3, Math.floor(Math.random() * 2 ** 31)]) {
  describe(`a bad day of a client that reconnects, seed ${seed}`, { timeout: 60_000 }, () => {
    test('loses no call, and runs none twice', async (t) => {
      const random = numbers(seed)
      const made = await world(t)
      const { ssh, relay, ran } = made
      const listening = net.createServer((socket) => socket.on('error', () => {}).end()).listen(0, '127.0.0.1')
      t.after(() => listening.close())
      await once(listening, 'listening')
      const address = listening.address()
      assert.ok(typeof address === 'object' && address !== null)
      const { port } = address
      const forward = await ssh.forwardLocal({ to: { host: '127.0.0.1', port } })

      const commands = new Map<string, Outcome>()
      const pending = new Set<Promise<unknown>>()
      const until = performance.now() + lastsMs
      const connections = (): number => ssh.stats().reconnect?.connections ?? 0
      const isOver = (): boolean => performance.now() >= until && connections() >= leastConnections
      const troubles = (async () => {
        while (!isOver()) await trouble(made, random).then(() => pause(random() * 400))
      })()
      for (let n = 0; !isOver(); n++) {
        const one = outcomeOf(call(made, random, port, n))
          .then((outcome) => commands.set(`${n}`, outcome))
          .finally(() => pending.delete(one))
        pending.add(one)
        if (n % 10 === 0)
          net
            .connect(forward.address.port ?? 0, '127.0.0.1')
            .on('error', () => {})
            .resume()
        await pause(random() * 30)
      }
      await troubles
      relay.heal()
      const limit = pause(settledWithinMs, 'late', { ref: false })
      assert.notEqual(await Promise.race([Promise.all(pending), limit]), 'late', `${pending.size} calls are pending`)

      const ids = ran.map((command) => command.split(' ')[0] ?? '')
      assert.equal(new Set(ids).size, ids.length, 'a command ran twice')
      for (const [n, outcome] of commands) {
        if (!(outcome instanceof CommandError)) continue
        if (outcome.delivery === 'not-sent') assert.ok(!ids.includes(n), `${n} was not sent, and ran`)
        if (outcome.delivery === 'ran') assert.ok(ids.includes(n), `${n} ran, and the server does not know of it`)
      }
      // Whether the connection that is there now will last is not known; the next one will.
      ssh.keepalive.configure({ interval: '10s' })
      if (ssh.state === 'connected') {
        const lost = once(ssh, 'reconnecting')
        relay.reset()
        await lost
      }
      assert.equal((await ssh.exec('last 0')).stdout, 'last 0')
      assert.equal(forward.listening, true)
      assert.equal(ssh.stats().reconnect?.waiting, 0)
      await ssh.close()
      assert.equal((await forward.closed).code, 'ERR_SSH_CLOSED')
    })
  })
}

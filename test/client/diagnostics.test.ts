import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Client, connect, type DiagnosticsMessages } from 'holdfast'
import { startServer, type TestServer } from 'holdfast/testing'
import { Deferred } from '#src/liveness/deferred.js'

/** Everything published on a channel of diagnostics, until the end of the test. */
class Recorder<Name extends keyof DiagnosticsMessages> {
  readonly messages: DiagnosticsMessages[Name][] = []
  readonly #name: Name
  readonly #listener = (message: unknown) => {
    // What a channel carries is known by its name.
    this.messages.push(message as DiagnosticsMessages[Name])
    this.#came(this.messages.length)
  }
  #came: (count: number) => void = () => {}

  constructor(name: Name) {
    this.#name = name
    subscribe(name, this.#listener)
  }

  /** Resolves once so many have come. */
  async reach(count: number): Promise<void> {
    if (this.messages.length >= count) return
    const reached = new Deferred<void>()
    this.#came = (come) => {
      if (come >= count) reached.resolve()
    }
    await reached.promise
  }

  stop(): void {
    unsubscribe(this.#name, this.#listener)
  }
}

describe('a connection, as node:diagnostics_channel shows it', () => {
  let server: TestServer
  const startsToRead = new Deferred<void>()

  beforeEach(async () => {
    server = await startServer({
      users: { deploy: { password: 'secret' } },
      exec: async ({ stdin }) => {
        await startsToRead.promise
        return (await text(stdin)).length > 0 ? 0 : 1
      },
    })
  })
  afterEach(() => server.close())

  const dial = (): Promise<Client> => {
    const { host, port, hostKey } = server
    const trust = { fingerprints: [hostKey.fingerprint] }
    return connect({ host, port, username: 'deploy', password: 'secret', hostKey: trust })
  }

  test('tells of a channel whose remote program does not read', async () => {
    const channel = new Recorder('holdfast:channel')
    try {
      const ssh = await dial()
      const running = ssh.exec('reads late', { stdin: Buffer.alloc(3_000_000) })
      // Of the two ends in this process, both report: theirs has no data to send, so only ours can stall.
      await channel.reach(3)
      const stalled = channel.messages.find(({ event }) => event === 'stalled')
      assert.ok(stalled !== undefined && stalled.queuedBytes > 0)
      assert.equal(ssh.stats().channels[0]?.sendWindow, 0)
      startsToRead.resolve()
      assert.equal((await running).exitCode, 0)
      await ssh.close()
      const ours = channel.messages.filter((message) => message.connection === stalled.connection)
      assert.deepEqual(
        [ours[0]?.event, ours.at(-1)?.event, new Set(ours.map(({ type }) => type))],
        ['opened', 'closed', new Set(['session'])],
      )
      assert.ok(ours.some(({ event }) => event === 'flowing'))
    } finally {
      channel.stop()
    }
  })

  test('counts its sessions in stats()', async () => {
    const ssh = await dial()
    assert.deepEqual(ssh.stats().sessions, { open: 0, waiting: 0, abandoned: [] })
    const command = await ssh.spawn('anything')
    assert.equal(ssh.stats().sessions.open, 1)
    command.stdin.end()
    startsToRead.resolve()
    await command.exited
    await ssh.close()
  })
})

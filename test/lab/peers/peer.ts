/** Clients written by others, each in a process of its own that tells what happens to it. */
import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'

/** Whom to log in to; every reference server is one. */
export interface PeerTarget {
  readonly host: string
  readonly port: number
  readonly username: string
  /** Taken first. */
  readonly clientKeys?: { readonly ed25519: { readonly privateKey: string } }
  readonly password?: string
  /** Hosts to go through, the nearest first. @default none */
  readonly jumps?: readonly PeerTarget[]
}

export interface ForwardJob {
  readonly job: 'forward'
  readonly port: number
  /** @default 'on this machine' */
  readonly listens?: 'on this machine' | 'on the server'
  readonly to: { readonly host: string; readonly port: number } | 'socks'
}

export type PeerJob =
  /** Log in, or try to, and then nothing. */
  | { readonly job: 'idle' }
  /** Log in for SFTP: OpenSSH's `sftp`; ssh2 opens it by a step. */
  | { readonly job: 'sftp' }
  /**
   * Log in and listen on a port, which a `callback` tells; each connection is passed on to one place, or,
   * with SOCKS, to where its client wants.
   */
  | ForwardJob
  /** Log in and run a command. */
  | {
      readonly job: 'exec'
      readonly command: string
      /** So many bytes for its standard input, which then ends. @default none, and it stays open: see the step `write` */
      readonly stdin?: number
      /** Reads no byte of its output. @default false */
      readonly unread?: boolean
    }

/** What a client that runs is told to do. OpenSSH knows `write`, `end-input`, and `stat` and `put` in its `sftp`, alone. */
export type PeerStep =
  /** One more command on the same connection. */
  | { readonly step: 'exec'; readonly command: string }
  /** Bytes for the standard input of the command. */
  | { readonly step: 'write'; readonly bytes: number }
  | { readonly step: 'end-input' }
  /** A signal for the command, without its SIG. */
  | { readonly step: 'signal'; readonly name: string }
  /** Close the channel of the command. */
  | { readonly step: 'close-channel' }
  /** Close the connection in order, or at once. */
  | { readonly step: 'end' }
  | { readonly step: 'destroy' }
  /** Block the event loop. */
  | { readonly step: 'block'; readonly ms: number }
  /** Open SFTP. */
  | { readonly step: 'sftp' }
  /** Open SFTP (unless it is) and ask for a file's attributes. */
  | { readonly step: 'stat'; readonly path: string }
  /** Open SFTP (unless it is) and send a file. */
  | { readonly step: 'put'; readonly local: string; readonly remote: string }

/**
 * `ready`: logged in. `callback`: a call of a step or job was answered. `data`: output; the text is how many bytes so
 * far. `written`: a write's callback. `exit`: the command's exit, or OpenSSH's own. `channel-close`, `error`, `close`.
 */
export type PeerEventName =
  | 'ready'
  /** Of what it was asked to do. */
  | 'callback'
  | 'host-keys'
  | 'data'
  | 'written'
  | 'exit'
  | 'channel-close'
  | 'error'
  | 'close'
  | 'blocked'

export interface PeerEvent {
  readonly event: PeerEventName
  readonly text: string
  /** Of performance.now() in this process. */
  readonly at: number
  /** Whether the job is over with it, well or not. */
  readonly settles: boolean
}

export type Settled = PeerEvent | 'never'

export interface PeerClient {
  readonly name: string
  /**
   * Starts a process, which is ended with the test.
   * @param settings in the client's own words: of ssh2's ConnectConfig, or of ssh_config(5); laid over sensible ones
   * @param inside words that run the command after them, in its own place: unshare(1) and its arguments
   */
  start(target: PeerTarget, job: PeerJob, settings?: PeerSettings, inside?: readonly string[]): PeerProcess
}

export type PeerSettings = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface PeerProcess {
  readonly pid: number
  /** All so far. */
  readonly events: readonly PeerEvent[]
  /** The first of this name, whenever it came. @throws when none came within the time */
  event(name: PeerEventName, withinMs: number): Promise<PeerEvent>
  /** The event that ends the job. */
  settled(withinMs: number): Promise<Settled>
  do(step: PeerStep): void
}

/** What a process said so far, to wait for. */
export class PeerEvents {
  readonly #emitter = new EventEmitter()
  readonly #all: PeerEvent[] = []

  get all(): readonly PeerEvent[] {
    return this.#all
  }

  add(event: PeerEventName, text: string, settles: boolean): void {
    const entry: PeerEvent = { event, text, settles, at: performance.now() }
    this.#all.push(entry)
    this.#emitter.emit('event', entry)
  }

  async find(matches: (event: PeerEvent) => boolean, withinMs: number): Promise<Settled> {
    const giveUp = new AbortController()
    const timer = setTimeout(() => giveUp.abort(), withinMs)
    try {
      for (;;) {
        const found = this.#all.find(matches)
        if (found !== undefined) return found
        await once(this.#emitter, 'event', { signal: giveUp.signal })
      }
    } catch (error) {
      if (giveUp.signal.aborted) return 'never'
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Ends the process with the test, and answers questions about it. */
export function peerProcess(
  t: TestContext,
  child: ChildProcess,
  events: PeerEvents,
  take: (step: PeerStep) => void,
): PeerProcess {
  const { pid } = child
  if (pid === undefined) throw new Error(`${child.spawnfile} did not start`)
  const closed = once(child, 'close')
  t.after(async () => {
    // Also ends one that is stopped.
    child.kill('SIGKILL')
    await closed
  })
  return {
    pid,
    events: events.all,
    async event(name, withinMs) {
      const found = await events.find(({ event }) => event === name, withinMs)
      if (found !== 'never') return found
      const said = events.all.map(({ event, text }) => `${event} ${text}`).join('; ')
      throw new Error(`no '${name}' within ${withinMs} ms, but: ${said || 'nothing'}`)
    },
    settled: (withinMs) => events.find(({ settles }) => settles, withinMs),
    do: take,
  }
}

export function onLines(stream: Readable, use: (line: string) => void): void {
  createInterface(stream).on('line', use)
}

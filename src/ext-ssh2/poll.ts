import { Duplex, Readable } from 'node:stream'
import { warn } from './answer.js'
import { intArgument, wrongType } from './arguments.js'
import { Ssh2ChannelStream } from './channel-stream.js'
import {
  SSH2_POLL_CHANNEL_CLOSED,
  SSH2_POLL_LISTENER_CLOSED,
  SSH2_POLL_SESSION_CLOSED,
  SSH2_POLLEXT,
  SSH2_POLLIN,
  SSH2_POLLOUT,
} from './constants.js'
import { backlogOf, type Ssh2Listener } from './listener.js'
import type { Peer } from './peer.js'
import { stateOf } from './stream-state.js'
import { nextTurn, turnSometimes } from './turn.js'

/** One thing to watch. `revents` is written by `ssh2_poll()`. */
export interface PollDescriptor {
  readonly resource: Readable | Ssh2Listener
  /** SSH2_POLLIN, SSH2_POLLEXT, SSH2_POLLOUT. */
  readonly events: number
  revents?: number
}

interface Watched {
  readonly descriptor: PollDescriptor
  readonly peer: Peer
  /** What is the case now. */
  look(): number
  /** Calls back once something may have changed. @returns the way out */
  watch(changed: () => void): () => void
}

/**
 * Waits until something is the case of what is asked for, or `timeout` seconds are over. Writes `revents` of each.
 * @returns of how many something is the case
 * @throws TypeError
 */
export async function ssh2_poll(desc: readonly PollDescriptor[], timeout = 30): Promise<number> {
  const name = 'ssh2_poll'
  if (!Array.isArray(desc)) throw wrongType([name, 1, 'desc'], 'array', desc)
  const limitMs = intArgument([name, 2, 'timeout'], timeout) * 1000
  const watched = desc.flatMap((descriptor: PollDescriptor) => watchedOf(descriptor) ?? [])
  const [first] = watched
  if (first === undefined) return 0
  await turnSometimes()
  if (look(watched) > 0) return look(watched)
  // A loop of such calls has no other end than that something happens.
  if (limitMs <= 0) await nextTurn()
  else await somethingChanged(first.peer, watched, limitMs)
  return look(watched)
}

function look(watched: readonly Watched[]): number {
  for (const each of watched) each.descriptor.revents = each.look()
  return watched.filter(({ descriptor }) => descriptor.revents !== 0).length
}

/** Until one is ready, the time is over, or the first connection is: then its own say so, and the program asks again. */
async function somethingChanged(peer: Peer, watched: readonly Watched[], limitMs: number): Promise<void> {
  const leave = peer.use()
  const what = 'something to happen to what is polled'
  const wait = peer.link.timing.waits.start<void>({ limit: 'timeout', limitMs, clock: 'call', phase: 'ready', what })
  const exits = watched.map((each) =>
    each.watch(() => {
      if (each.look() !== 0) wait.resolve()
    }),
  )
  await wait.promise.catch(() => {})
  for (const exit of exits) exit()
  leave()
}

function watchedOf(descriptor: PollDescriptor): Watched | undefined {
  const { resource, events } = descriptor
  if (typeof events !== 'number') {
    warn('ssh2_poll', 'Invalid data in subarray, no events element, or not a bitmask')
    return undefined
  }
  const backlog = backlogOf(resource)
  if (backlog !== undefined) {
    const { peer } = backlog
    return {
      descriptor,
      peer,
      look: () => {
        if (!backlog.isListening) return SSH2_POLL_LISTENER_CLOSED | closedWith(peer)
        return backlog.isReady ? events & SSH2_POLLIN : 0
      },
      watch: (changed) => backlog.onChange(changed),
    }
  }
  const state = resource instanceof Readable ? stateOf(resource) : undefined
  if (state !== undefined && resource instanceof Readable) return watchedStream(descriptor, resource, state.peer)
  warn('ssh2_poll', 'Invalid data in subarray, no resource element, or not of type resource')
  return undefined
}

function watchedStream(descriptor: PollDescriptor, stream: Readable, peer: Peer): Watched {
  const { events } = descriptor
  const stderr = stream instanceof Ssh2ChannelStream ? stream.stderr : undefined
  const see = () => {
    const isOver = stream.destroyed || stream.readableEnded
    const ready =
      (stream.readableLength > 0 ? SSH2_POLLIN : 0) |
      ((stderr?.readableLength ?? 0) > 0 ? SSH2_POLLEXT : 0) |
      (stream instanceof Duplex && stream.writable && !stream.writableNeedDrain ? SSH2_POLLOUT : 0)
    return (ready & events) | (isOver ? SSH2_POLL_CHANNEL_CLOSED | closedWith(peer) : 0)
  }
  // What has come is taken in, so that it can be seen.
  if (!stream.destroyed) stream.read(0)
  return {
    descriptor,
    peer,
    look: see,
    watch: (changed) => {
      const names = ['readable', 'end', 'close', 'error', 'drain']
      for (const name of names) stream.on(name, changed)
      stderr?.on('readable', changed)
      return () => {
        for (const name of names) stream.off(name, changed)
        stderr?.off('readable', changed)
      }
    },
  }
}

function closedWith({ link }: Peer): number {
  return link.connection.cause === undefined ? 0 : SSH2_POLL_SESSION_CLOSED
}

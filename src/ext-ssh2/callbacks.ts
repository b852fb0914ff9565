import { HoldfastError } from '../errors.js'
import { warn } from './answer.js'
import { arrayArgument, type Place } from './arguments.js'
import type { Peer } from './peer.js'

/** Functions that hear of the server; what they throw is an uncaught exception, as from any event. */
export interface Ssh2Callbacks {
  /** Nothing that the server may fill a connection with is told. */
  readonly ignore?: (message: string) => void
  /** What the server says of itself, once the call is over during which it came; the first 64 remarks. */
  readonly debug?: (message: string, language: string, always_display: number) => void
  /** Is never asked: a packet that is not the server's ends the connection. */
  readonly macerror?: (packet: string) => boolean
  /** The server ends the connection. */
  readonly disconnect?: (reason: number, message: string, language: string) => void
}

const names = ['ignore', 'debug', 'macerror', 'disconnect']

type Told = (...args: readonly unknown[]) => unknown

/** The callbacks of `ssh2_connect()`. @throws TypeError */
export function callbacksOf(place: Place, given: unknown): ReadonlyMap<string, Told> {
  const callbacks = new Map<string, Told>()
  for (const [name, callback] of arrayArgument(place, given)) {
    if (!names.includes(name) || callback === undefined || callback === null) continue
    if (typeof callback === 'function') callbacks.set(name, (...args) => Reflect.apply(callback, undefined, args))
    else warn(place[0], `Failed setting ${name.toUpperCase()} callback`)
  }
  if (callbacks.has('macerror'))
    warn(place[0], 'macerror is never asked: a packet that was changed on its way ends the connection')
  return callbacks
}

/** Has the callbacks hear of a connection. */
export function listen(peer: Peer, callbacks: ReadonlyMap<string, Told>): void {
  const debug = callbacks.get('debug')
  const disconnect = callbacks.get('disconnect')
  if (debug !== undefined) {
    let told = 0
    peer.onAnswer(() => {
      const { texts } = peer.link.connection.remarks
      for (const text of texts.slice(told)) tell(debug, text, '', 0)
      told = texts.length
    })
  }
  if (disconnect !== undefined) void tellEnd(peer, disconnect)
}

async function tellEnd(peer: Peer, disconnect: Told): Promise<void> {
  const cause = await peer.link.closed
  const { farewell } = peer.link.connection.words
  if (cause instanceof HoldfastError && farewell !== undefined)
    tell(disconnect, farewell.reason, farewell.description, '')
}

/** What it throws is the program's to see, as an uncaught exception, and must reach nothing of ours. */
function tell(callback: Told, ...args: readonly unknown[]): void {
  queueMicrotask(() => void callback(...args))
}

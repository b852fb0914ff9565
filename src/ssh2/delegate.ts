import type { EventEmitter } from 'node:events'
import process from 'node:process'
import type { Duplex } from 'node:stream'
import type { ConnectConfig } from './config.js'
import { fromOriginal } from './original.js'

const events = [
  'connect',
  'greeting',
  'banner',
  'handshake',
  'ready',
  'hostkeys',
  'keyboard-interactive',
  'change password',
  'tcp connection',
  'unix connection',
  'x11',
  'timeout',
  'error',
  'end',
  'close',
] as const

export interface DelegateOwner {
  event(name: string, args: readonly unknown[]): void
  sock(sock: Duplex): void
}

/** A connection that the program's own ssh2 makes, because it asks for what Holdfast does not have: unprotected, and said so. */
export class Delegate {
  readonly #client: EventEmitter

  /** @throws Error where there is no ssh2 to do it */
  static connect(lacking: string, config: ConnectConfig, owner: DelegateOwner): Delegate {
    const OriginalClient = fromOriginal('Client')
    if (typeof OriginalClient !== 'function') throw new Error('the package ssh2 that is installed has no Client')
    const text = `left to ssh2 itself, without protection from hanging, since Holdfast does not have what it asks for: ${lacking}`
    process.emitWarning(`connection to ${config.host ?? 'localhost'} ${text}`, {
      type: 'HoldfastWarning',
      code: 'HOLDFAST_SSH2_DELEGATED',
    })
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ssh2's Client is one
    const client = Reflect.construct(OriginalClient, []) as EventEmitter
    for (const name of events) client.on(name, (...args: readonly unknown[]) => owner.event(name, args))
    const delegate = new Delegate(client)
    delegate.call('connect', config)
    const sock: unknown = Reflect.get(client, '_sock')
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ssh2 has its socket there once connect() was called
    if (sock !== undefined) owner.sock(sock as Duplex)
    return delegate
  }

  private constructor(client: EventEmitter) {
    this.#client = client
  }

  get isWritable(): boolean {
    const sock: unknown = Reflect.get(this.#client, '_sock')
    return typeof sock === 'object' && sock !== null && Reflect.get(sock, 'writable') === true
  }

  call(method: string, ...args: readonly unknown[]): void {
    const called: unknown = Reflect.get(this.#client, method)
    if (typeof called === 'function') Reflect.apply(called, this.#client, args)
  }
}

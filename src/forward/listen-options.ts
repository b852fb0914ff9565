import { checkNames, optionError } from '../session/option-error.js'
import {
  checkHost,
  checkPath,
  checkPort,
  checkTarget,
  fieldsOf,
  resolveOptions,
  type TunnelOptions,
  type TunnelSettings,
  type TunnelTarget,
  tunnelOptionNames,
} from './options.js'
import type { Tunnel } from './tunnel.js'

/** Where a forward is to listen. */
export type ListenOptions =
  | {
      /** @default '127.0.0.1': nobody but this machine, or the server, can connect */
      readonly host?: string | undefined
      /** @default 0: any that is free */
      readonly port?: number | undefined
      readonly path?: undefined
    }
  | {
      /** A Unix socket. Nothing may be there yet. */
      readonly path: string
      readonly host?: undefined
      readonly port?: undefined
    }

/** Where a forward listens: with the port that was taken. */
export type ForwardAddress = TunnelTarget

/** What `forwardDynamic()` takes. */
export interface DynamicForwardOptions extends TunnelOptions {
  /** Where it is to listen. @default any free port of 127.0.0.1 */
  readonly listen?: ListenOptions | undefined
}

/** What `forwardLocal()` takes. */
export interface ForwardOptions<To = TunnelTarget> extends DynamicForwardOptions {
  /** What each connection is passed on to; of `forwardRemote()` also a function that takes it, and whose it is from then on. */
  readonly to: To
}

/** Takes a connection that somebody made to where the server listens. */
export type TakeConnection = (connection: Tunnel) => void

/** What `forwardRemote()` takes. */
export interface RemoteForwardOptions extends ForwardOptions<TunnelTarget | TakeConnection> {
  /**
   * How many connections the server may have open here at once, those that are still being passed on among them; each can
   * fill 2 MiB, and on a far and fast link more. More are refused, and a `failure` of the forward. @default 256
   */
  readonly maxConnections?: number | undefined
}

/** A place to listen at, after the check: of port 0, the port is not known yet. */
export type ListenPlace = TunnelTarget

export interface DynamicForwardSettings extends TunnelSettings {
  readonly listen: ListenPlace
}

export interface ForwardSettings<To = TunnelTarget> extends DynamicForwardSettings {
  readonly to: To
}

export interface RemoteForwardSettings extends ForwardSettings<TunnelTarget | TakeConnection> {
  readonly maxConnections: number
}

const forwardNames = [...tunnelOptionNames, 'listen', 'to']

/** @throws HoldfastError ERR_SSH_OPTION naming the field */
export function resolveForward(options: ForwardOptions): ForwardSettings {
  checkNames(options, forwardNames)
  return { ...resolveCommon(options), to: checkTarget(options.to, 'to') }
}

/** @throws HoldfastError ERR_SSH_OPTION naming the field */
export function resolveRemoteForward(options: RemoteForwardOptions): RemoteForwardSettings {
  checkNames(options, [...forwardNames, 'maxConnections'])
  const { maxConnections = 256 } = options
  if (!Number.isSafeInteger(maxConnections) || maxConnections < 1)
    throw optionError('maxConnections', 'must be a whole number from 1 on')
  const { to } = options
  return { ...resolveCommon(options), to: typeof to === 'function' ? to : checkTarget(to, 'to'), maxConnections }
}

/** @throws HoldfastError ERR_SSH_OPTION naming the field */
export function resolveDynamicForward(options: DynamicForwardOptions): DynamicForwardSettings {
  checkNames(options, [...tunnelOptionNames, 'listen'])
  return resolveCommon(options)
}

function resolveCommon(options: DynamicForwardOptions): DynamicForwardSettings {
  return { ...resolveOptions(options), listen: resolveListen(options.listen ?? {}) }
}

function resolveListen(listen: ListenOptions): ListenPlace {
  const { host, port, path } = fieldsOf(listen, 'listen')
  if (path === undefined) {
    return { host: checkHost(host ?? '127.0.0.1', 'listen.host'), port: checkPort(port ?? 0, 'listen.port', 0) }
  }
  if (host !== undefined || port !== undefined) throw optionError('listen', 'needs host and port, or path, not both')
  return { path: checkPath(path, 'listen.path') }
}

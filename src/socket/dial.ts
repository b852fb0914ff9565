import net from 'node:net'
import { HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'
import { type RaceContext, race } from './race.js'
import { type Address, type Family, familyOf, type Lookup, resolve } from './resolve.js'
import { setTcpKeepalive, type TcpKeepalive } from './tcp-keepalive.js'

export interface DialTarget {
  /** A name or a literal address. */
  readonly host: string
  readonly port: number
}

export interface DialOptions {
  /** The address of this machine to connect from. It decides the family too. */
  readonly localAddress?: string | undefined
  /** The port of this machine to connect from. Default: any. */
  readonly localPort?: number | undefined
  /** Addresses of this family alone. Default: both. */
  readonly family?: Family | undefined
  /** TCP_NODELAY. Default true: a packet is not held back for the one after it. */
  readonly noDelay?: boolean | undefined
  /** SO_KEEPALIVE. Default true: with the kernel's own values. */
  readonly tcpKeepalive?: TcpKeepalive | undefined
  /** Default `dns.lookup`. */
  readonly lookup?: Lookup | undefined
  /** Reads into a buffer that sockets may share, instead of `data` events. Called for the socket that dial returns alone. */
  readonly onread?: net.OnReadOpts | undefined
  readonly signal?: AbortSignal | undefined
  /** Whether a caller waits for it, under whom the process must not end. @default true */
  readonly isAwaited?: boolean | undefined
}

export interface DialContext extends RaceContext {
  /** Milliseconds: `tcp` counts for each address by itself. */
  readonly limits: { readonly dns: number | false; readonly tcp: number | false }
}

/**
 * A connected TCP socket: looks the host up, then races its addresses.
 *
 * The socket has no listener yet, not even for `error`: add one before awaiting anything else.
 * @throws HoldfastError ERR_SSH_DNS, ERR_SSH_CONNECT, ERR_SSH_TIMEOUT (limit `dns` or `tcp`), ERR_SSH_ABORTED,
 *   ERR_SSH_OPTION, or the cause of a teardown. Nothing is left open.
 */
export async function dial(target: DialTarget, options: DialOptions, context: DialContext): Promise<net.Socket> {
  const { host, port } = target
  const { limits } = context
  checkPort('port', port, 1)
  if (options.localPort !== undefined) checkPort('localPort', options.localPort, 0)
  const family = familyToUse(options)
  const { lookup, signal, isAwaited } = options
  const addresses = await resolve(host, { family, lookup, limitMs: limits.dns, signal, isAwaited }, context.waits)
  const connect = (address: Address) => open(address, port, options)
  const socket = await race(addresses, { host, port, limitMs: limits.tcp, signal, isAwaited, connect }, context)
  setTcpKeepalive(socket, options.tcpKeepalive ?? true)
  return socket
}

/** Node binds a socket of the target's family, whatever `localAddress` is. */
function familyToUse({ localAddress, family }: DialOptions): Family | undefined {
  if (localAddress === undefined) return family
  const own = familyOf(localAddress)
  if (own === undefined) throw wrong(`localAddress must be an IP address, not ${printable(localAddress)}`)
  if (family !== undefined && family !== own) {
    throw wrong(`localAddress ${localAddress} is an IPv${own} address, but family is ${family}`)
  }
  return own
}

function checkPort(name: string, port: number, least: 0 | 1): void {
  if (!Number.isInteger(port) || port < least || port > 65_535) {
    throw wrong(`${name} must be a whole number from ${least} to 65535, not ${port}`)
  }
}

function wrong(message: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', message, { phase: 'options' })
}

function open({ address, family }: Address, port: number, options: DialOptions): net.Socket {
  const { localAddress, localPort, noDelay = true, onread } = options
  return net.connect({
    host: address,
    family,
    port,
    noDelay,
    autoSelectFamily: false,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(localPort === undefined ? {} : { localPort }),
    ...(onread === undefined ? {} : { onread }),
  })
}

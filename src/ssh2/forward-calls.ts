import {
  decodeBoundPort,
  encodeDirectStreamlocal,
  encodeStreamlocalForward,
  encodeTcpForward,
  encodeTcpOpening,
} from '../wire/forward-messages.js'
import { called } from './called.js'
import { Channel } from './channel.js'
import { noData } from './channel-requests.js'
import { callError, openingError, ssh2Error } from './errors.js'
import type { Peer } from './peer.js'
import { openChannel } from './programs.js'

/** What ssh2 counts as a server that has the extensions of OpenSSH: two digits anywhere will do. */
const openSsh = /^OpenSSH_[5-9]|\d{2,}/

/** @throws Ssh2Error where ssh2 would not ask this server either */
export function checkVendor({ plan, software }: Peer): void {
  if (!plan.strictVendor || openSsh.test(software)) return
  throw ssh2Error('strictVendor enabled and server is not OpenSSH or compatible version')
}

/**
 * @param taken told of the port at once: the first connection may come right behind the answer
 * @throws Ssh2Error
 */
export async function forwardIn(peer: Peer, host: string, port: number, taken: (port: number) => void): Promise<void> {
  const granted = (reply: Buffer) => {
    const bound = port === 0 && reply.length >= 4 ? decodeBoundPort(reply.subarray(0, 4)) : port
    peer.forwards.addTcp(host, bound)
    taken(bound)
  }
  const data = encodeTcpForward({ host, port: sent(port) })
  await ask(peer, 'tcpip-forward', data, `Unable to bind to ${host}:${port}`, granted)
}

/** As ssh2 sends what is no port, that of a socket that is gone say: the server answers that as it likes. */
function sent(port: number): number {
  return port >>> 0
}

/** @throws Ssh2Error */
export async function unforwardIn(peer: Peer, host: string, port: number): Promise<void> {
  const refused = `Unable to unbind from ${host}:${port}`
  await ask(peer, 'cancel-tcpip-forward', encodeTcpForward({ host, port: sent(port) }), refused)
  peer.forwards.removeTcp(host, port)
}

/** @throws Ssh2Error */
export async function forwardInUnix(peer: Peer, path: string, taken: () => void): Promise<void> {
  checkVendor(peer)
  const data = encodeStreamlocalForward(path)
  const granted = () => {
    peer.forwards.addUnix(path)
    taken()
  }
  await ask(peer, 'streamlocal-forward@openssh.com', data, `Unable to bind to ${path}`, granted)
}

/** @throws Ssh2Error */
export async function unforwardInUnix(peer: Peer, path: string): Promise<void> {
  checkVendor(peer)
  const data = encodeStreamlocalForward(path)
  await ask(peer, 'cancel-streamlocal-forward@openssh.com', data, `Unable to unbind from ${path}`)
  peer.forwards.removeUnix(path)
}

/** @throws Ssh2Error */
export async function noMoreSessions(peer: Peer): Promise<void> {
  checkVendor(peer)
  // Those that were asked for before go before: a server takes any that comes later for an attack.
  await called<void>((answer) => setImmediate(answer))
  await ask(peer, 'no-more-sessions@openssh.com', noData, 'Unable to disable future sessions')
}

export interface TcpEnds {
  readonly srcIP: string
  readonly srcPort: number
  readonly dstIP: string
  readonly dstPort: number
}

/** @throws Ssh2Error */
export function forwardOut(peer: Peer, client: object, { srcIP, srcPort, dstIP, dstPort }: TcpEnds): Promise<Channel> {
  const [to, originator] = [
    { host: dstIP, port: sent(dstPort) },
    { host: srcIP, port: sent(srcPort) },
  ]
  return open(peer, client, 'direct-tcpip', () => encodeTcpOpening({ to, originator }))
}

/** @throws Ssh2Error */
export async function forwardOutUnix(peer: Peer, client: object, path: string): Promise<Channel> {
  return open(peer, client, 'direct-streamlocal@openssh.com', () => {
    checkVendor(peer)
    return encodeDirectStreamlocal(path)
  })
}

async function open(peer: Peer, client: object, type: string, encode: () => Buffer): Promise<Channel> {
  const link = await peer.ready.catch((error: unknown) => Promise.reject(openingError(error)))
  const stream = new Channel(peer.channelHost(client), type)
  await openChannel(link, type, encode(), stream)
  return stream
}

async function ask(
  peer: Peer,
  name: string,
  data: Buffer,
  refused: string,
  granted: (reply: Buffer) => void = () => {},
): Promise<Buffer> {
  try {
    const { connection } = await peer.ready
    return await connection.globalRequest(name, data, { granted })
  } catch (error) {
    throw callError(error, ssh2Error(refused))
  }
}

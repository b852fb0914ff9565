/** The data of messages about forwarding: RFC 4254 section 7, and OpenSSH PROTOCOL section 2.4 for Unix sockets. */
import { Reader } from './reader.js'
import { Writer } from './writer.js'

/** A place in TCP, as one side names it to the other. */
export interface TcpPlace {
  readonly host: string
  readonly port: number
}

/** `direct-tcpip` and `forwarded-tcpip` (section 7.2): where to, or where it came in, and who it comes from. */
export interface TcpOpening {
  readonly to: TcpPlace
  readonly originator: TcpPlace
}

export function encodeTcpOpening({ to, originator }: TcpOpening): Buffer {
  return new Writer().string(to.host).uint32(to.port).string(originator.host).uint32(originator.port).finish()
}

export function decodeTcpOpening(type: 'direct-tcpip' | 'forwarded-tcpip', data: Buffer): TcpOpening {
  const reader = new Reader(`${type} channel`, data)
  const to = { host: reader.text('address'), port: reader.uint32('port') }
  const originator = { host: reader.text('originator address'), port: reader.uint32('originator port') }
  reader.end()
  return { to, originator }
}

/** `direct-streamlocal@openssh.com`: a path, and what is reserved for an originator. */
export function encodeDirectStreamlocal(path: string): Buffer {
  return new Writer().string(path).string('').uint32(0).finish()
}

export function decodeDirectStreamlocal(data: Buffer): string {
  const reader = new Reader('direct-streamlocal channel', data)
  const path = reader.text('socket path')
  reader.string('reserved')
  reader.uint32('reserved')
  reader.end()
  return path
}

/** `forwarded-streamlocal@openssh.com`. */
export function encodeForwardedStreamlocal(path: string): Buffer {
  return new Writer().string(path).string('').finish()
}

export function decodeForwardedStreamlocal(data: Buffer): string {
  const reader = new Reader('forwarded-streamlocal channel', data)
  const path = reader.text('socket path')
  reader.string('reserved')
  reader.end()
  return path
}

/** `tcpip-forward` and `cancel-tcpip-forward` (section 7.1). */
export function encodeTcpForward({ host, port }: TcpPlace): Buffer {
  return new Writer().string(host).uint32(port).finish()
}

export function decodeTcpForward(data: Buffer): TcpPlace {
  const reader = new Reader('tcpip-forward request', data)
  const place = { host: reader.text('address to bind'), port: reader.uint32('port to bind') }
  reader.end()
  return place
}

/** The answer to `tcpip-forward` for port 0: the port that was taken. */
export function encodeBoundPort(port: number): Buffer {
  return new Writer(4).uint32(port).finish()
}

export function decodeBoundPort(data: Buffer): number {
  const reader = new Reader('answer to tcpip-forward', data)
  const port = reader.uint32('port')
  reader.end()
  return port
}

/** `streamlocal-forward@openssh.com` and `cancel-streamlocal-forward@openssh.com`. */
export function encodeStreamlocalForward(path: string): Buffer {
  return new Writer().string(path).finish()
}

export function decodeStreamlocalForward(data: Buffer): string {
  const reader = new Reader('streamlocal-forward request', data)
  const path = reader.text('socket path')
  reader.end()
  return path
}

import type { Duplex } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { dialAgain } from '../socket/dial-again.js'
import { Driver } from '../socket/driver.js'
import { ProxyCommand } from '../socket/proxy-command.js'
import { readBuffer } from '../socket/read-buffer.js'
import { checkStream, discardUnheard, isDuplex } from '../socket/stream.js'
import { tcpValues } from '../socket/tcp-keepalive.js'
import { noteTaken } from './given-streams.js'
import { nodeEnvironment } from './node-environment.js'
import type { OpenStream } from './options.js'
import { holdToPolicy } from './policy/own-socket.js'
import type { LinkSettings } from './settings.js'
import type { Timing } from './timing.js'

/** Opens the way to the peer: the program's own stream, a channel through hops, a command, or a TCP socket. */
export async function openDriver(settings: LinkSettings, timing: Timing, ended: AbortSignal): Promise<Driver> {
  const { stream, via, proxyCommand, host, port, signal } = settings
  if (stream !== undefined) {
    const opened = typeof stream === 'function' ? await callForStream(stream, ended) : stream
    return takeOver(opened, settings)
  }
  if (via !== undefined) return new Driver(await via.open({ host, port }, signal))
  if (proxyCommand !== undefined) return new Driver(new ProxyCommand(proxyCommand))
  return openSocket(settings, timing)
}

/** One that cannot be used is not left open: a function has opened it for us. */
function takeOver(stream: Duplex, settings: LinkSettings): Driver {
  try {
    if (typeof settings.stream === 'function') checkStream(stream)
    holdToPolicy(stream, settings)
    const driver = new Driver(stream)
    noteTaken(stream)
    return driver
  } catch (error) {
    discardUnheard(stream)
    throw error
  }
}

async function openSocket(settings: LinkSettings, { waits, deadlines }: Timing): Promise<Driver> {
  const { host, port, socket: options, limits, keepalive, signal } = settings
  const onread = readBuffer((chunk) => driver.receive(chunk))
  const context = { waits, deadlines, now: () => nodeEnvironment.now(), limits }
  const tcpKeepalive = tcpValues(keepalive.tcp)
  const { attempts = 1 } = options
  const socket = await dialAgain({ host, port }, attempts, { ...options, tcpKeepalive, onread, signal }, context)
  const driver: Driver = new Driver(socket, { readsByItself: true })
  return driver
}

/** @throws HoldfastError ERR_SSH_CONNECT where the program's function fails, ERR_SSH_OPTION where it gives no stream */
async function callForStream(open: OpenStream, ended: AbortSignal): Promise<Duplex> {
  const stream: unknown = await called(open, ended)
  if (isDuplex(stream)) return stream
  throw new HoldfastError('ERR_SSH_OPTION', 'the function given as stream must give a Duplex stream', {
    phase: 'options',
  })
}

async function called(open: OpenStream, ended: AbortSignal): Promise<unknown> {
  try {
    return await open(ended)
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause
    const text = cause instanceof Error ? cause.message : String(cause)
    throw new HoldfastError('ERR_SSH_CONNECT', `the stream could not be opened: ${text}`, { phase: 'tcp', cause })
  }
}

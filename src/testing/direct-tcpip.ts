import { connect } from 'node:net'
import type { Channel, ChannelSink } from '../connection/channel.js'
import { ChannelStream } from '../forward/channel-stream.js'
import { decodeTcpOpening } from '../wire/forward-messages.js'

/** Connects on behalf of a client (RFC 4254 section 7.2). What cannot be reached closes its channel. */
export function connectOnBehalf(channel: Channel, data: Buffer): ChannelSink {
  const { to } = decodeTcpOpening('direct-tcpip', data)
  const stream = new ChannelStream()
  const sink = stream.attach(channel)
  const socket = connect({ host: to.host, port: to.port, allowHalfOpen: true })
  socket.on('error', () => stream.destroy())
  socket.on('close', () => stream.destroySoon())
  stream.on('close', () => socket.destroy())
  stream.pipe(socket).pipe(stream)
  return sink
}

import net from 'node:net'
import type { Channel, ChannelSink } from '../connection/channel.js'
import type { OpenDecision } from '../connection/mux.js'
import { ChannelStream } from '../forward/channel-stream.js'
import { relay } from '../forward/relay.js'
import { decodeDirectStreamlocal, decodeTcpOpening } from '../wire/forward-messages.js'

/**
 * How a channel is answered that asks for a connection to somewhere (RFC 4254 section 7.2, OpenSSH PROTOCOL section 2.4);
 * undefined where it asks for something else. The channel is open at once, and closed where nothing is reached.
 */
export function decideDirect(type: string, data: Buffer): OpenDecision | undefined {
  const target = targetOf(type, data)
  return target && { accept: (channel) => connectChannel(channel, target) }
}

function targetOf(type: string, data: Buffer): net.NetConnectOpts | undefined {
  if (type === 'direct-tcpip') return decodeTcpOpening(type, data).to
  return type === 'direct-streamlocal@openssh.com' ? { path: decodeDirectStreamlocal(data) } : undefined
}

function connectChannel(channel: Channel, target: net.NetConnectOpts): ChannelSink {
  const near = new ChannelStream()
  const sink = near.attach(channel)
  const far = net.connect({ ...target, allowHalfOpen: true }).on('error', () => {})
  relay(near, far)
  return sink
}

import { decodeChannelOpen, decodeChannelRequest, decodeGlobalRequest } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import type { Probe } from '../plan.js'

/** Which of our probes a message is, if any. */
export function probeIn(payload: Buffer): Probe | undefined {
  switch (payload.readUInt8(0)) {
    case messageNumber.PING:
      return 'ping'
    case messageNumber.GLOBAL_REQUEST:
      return decodeGlobalRequest(payload).name.startsWith('keepalive@') ? 'global-request' : undefined
    case messageNumber.CHANNEL_REQUEST:
      return decodeChannelRequest(payload).type.startsWith('keepalive@') ? 'channel-request' : undefined
    case messageNumber.CHANNEL_OPEN:
      return decodeChannelOpen(payload).type.startsWith('keepalive@') ? 'channel-open' : undefined
    default:
      return undefined
  }
}

/** Whether it asks for a reply of which only its order tells whose it is. */
export function requestIn(payload: Buffer): boolean {
  const number = payload.readUInt8(0)
  if (number === messageNumber.GLOBAL_REQUEST) return decodeGlobalRequest(payload).wantReply
  return number === messageNumber.CHANNEL_REQUEST && decodeChannelRequest(payload).wantReply
}

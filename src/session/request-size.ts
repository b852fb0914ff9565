import { maxPayload } from '../transport/packet-size.js'
import { encodeChannelRequest } from '../wire/connection-messages.js'
import { optionError } from './option-error.js'

/**
 * Checks that a channel request fits into one packet: for one that does not, the server would end the connection, and
 * with it all that runs there.
 * @param data what the request carries, with `text`, the part that a program may make as long as it likes
 * @throws HoldfastError ERR_SSH_OPTION naming the field
 */
export function checkRequestSize(field: string, type: string, data: Buffer, text: string): void {
  const excess = encodeChannelRequest({ recipient: 0, type, wantReply: true, data }).length - maxPayload
  if (excess <= 0) return
  const bytes = Buffer.byteLength(text, 'utf8')
  throw optionError(field, `has ${bytes} bytes, and at most ${bytes - excess} fit into one packet`)
}

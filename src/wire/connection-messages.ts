/** Messages of the connection protocol: RFC 4254. Requests keep their own data as undecoded bytes. */
import { messageNumber } from './numbers.js'
import { Reader } from './reader.js'
import { putUint32, uint32At } from './uint32.js'
import { Writer } from './writer.js'

const none = Buffer.alloc(0)
const dataHeadBytes = 9
const windowAdjustBytes = 9
const bareBytes = 5
const bareConfirmationBytes = 17

export interface GlobalRequest {
  readonly name: string
  readonly wantReply: boolean
  readonly data: Buffer
}

export function encodeGlobalRequest(name: string, wantReply: boolean, data: Uint8Array = none): Buffer {
  return new Writer().byte(messageNumber.GLOBAL_REQUEST).string(name).boolean(wantReply).bytes(data).finish()
}

export function decodeGlobalRequest(payload: Buffer): GlobalRequest {
  const reader = new Reader('GLOBAL_REQUEST', payload, 1)
  return { name: reader.name('request name'), wantReply: reader.boolean('want reply'), data: reader.rest() }
}

export function encodeRequestSuccess(data: Uint8Array = none): Buffer {
  return new Writer().byte(messageNumber.REQUEST_SUCCESS).bytes(data).finish()
}

export function encodeRequestFailure(): Buffer {
  return Buffer.of(messageNumber.REQUEST_FAILURE)
}

export interface ChannelOpen {
  readonly type: string
  readonly sender: number
  readonly window: number
  readonly maxPacket: number
  readonly data: Buffer
}

/** Written without a `Writer`, as CHANNEL_REQUEST: both are in every command, and each method of it would be compiled for them. */
export function encodeChannelOpen({ type, sender, window, maxPacket, data }: ChannelOpen): Buffer {
  const typeBytes = Buffer.byteLength(type)
  const payload = Buffer.allocUnsafe(17 + typeBytes + data.length)
  payload[0] = messageNumber.CHANNEL_OPEN
  putUint32(payload, 1, typeBytes)
  payload.write(type, 5)
  putUint32(payload, 5 + typeBytes, sender)
  putUint32(payload, 9 + typeBytes, window)
  putUint32(payload, 13 + typeBytes, maxPacket)
  payload.set(data, 17 + typeBytes)
  return payload
}

export function decodeChannelOpen(payload: Buffer): ChannelOpen {
  const reader = new Reader('CHANNEL_OPEN', payload, 1)
  return {
    type: reader.name('channel type'),
    sender: reader.uint32('sender channel'),
    window: reader.uint32('initial window size'),
    maxPacket: reader.uint32('maximum packet size'),
    data: reader.rest(),
  }
}

export interface ChannelOpenConfirmation {
  readonly recipient: number
  readonly sender: number
  readonly window: number
  readonly maxPacket: number
  readonly data: Buffer
}

export function encodeChannelOpenConfirmation(confirmation: ChannelOpenConfirmation): Buffer {
  return new Writer()
    .byte(messageNumber.CHANNEL_OPEN_CONFIRMATION)
    .uint32(confirmation.recipient)
    .uint32(confirmation.sender)
    .uint32(confirmation.window)
    .uint32(confirmation.maxPacket)
    .bytes(confirmation.data)
    .finish()
}

export function decodeChannelOpenConfirmation(payload: Buffer): ChannelOpenConfirmation {
  if (payload.length === bareConfirmationBytes) {
    return {
      recipient: uint32At(payload, 1),
      sender: uint32At(payload, 5),
      window: uint32At(payload, 9),
      maxPacket: uint32At(payload, 13),
      data: none,
    }
  }
  const reader = new Reader('CHANNEL_OPEN_CONFIRMATION', payload, 1)
  return {
    recipient: reader.uint32('recipient channel'),
    sender: reader.uint32('sender channel'),
    window: reader.uint32('initial window size'),
    maxPacket: reader.uint32('maximum packet size'),
    data: reader.rest(),
  }
}

export interface ChannelOpenFailure {
  readonly recipient: number
  readonly reason: number
  readonly description: string
}

export function encodeChannelOpenFailure({ recipient, reason, description }: ChannelOpenFailure): Buffer {
  return new Writer()
    .byte(messageNumber.CHANNEL_OPEN_FAILURE)
    .uint32(recipient)
    .uint32(reason)
    .string(description)
    .string('')
    .finish()
}

export function decodeChannelOpenFailure(payload: Buffer): ChannelOpenFailure {
  const reader = new Reader('CHANNEL_OPEN_FAILURE', payload, 1)
  return {
    recipient: reader.uint32('recipient channel'),
    reason: reader.uint32('reason code'),
    description: reader.text('description'),
  }
}

export function encodeWindowAdjust(recipient: number, bytes: number): Buffer {
  return new Writer(9).byte(messageNumber.CHANNEL_WINDOW_ADJUST).uint32(recipient).uint32(bytes).finish()
}

export function decodeWindowAdjust(payload: Buffer): { readonly recipient: number; readonly bytes: number } {
  if (payload.length === windowAdjustBytes) return { recipient: uint32At(payload, 1), bytes: uint32At(payload, 5) }
  const reader = new Reader('CHANNEL_WINDOW_ADJUST', payload, 1)
  const recipient = reader.uint32('recipient channel')
  const bytes = reader.uint32('bytes to add')
  reader.end()
  return { recipient, bytes }
}

/** What goes before the data in CHANNEL_DATA, so that the data itself need not be copied to be framed. */
export function encodeChannelDataHead(recipient: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(dataHeadBytes)
  head[0] = messageNumber.CHANNEL_DATA
  putUint32(head, 1, recipient)
  putUint32(head, 5, length)
  return head
}

/** The same for CHANNEL_EXTENDED_DATA. */
export function encodeExtendedDataHead(recipient: number, type: number, length: number): Buffer {
  return new Writer(13).byte(messageNumber.CHANNEL_EXTENDED_DATA).uint32(recipient).uint32(type).uint32(length).finish()
}

export function decodeChannelData(payload: Buffer): { readonly recipient: number; readonly data: Buffer } {
  // Whole and nothing behind it: nearly every packet of a transfer, and so not read field by field.
  if (payload.length >= dataHeadBytes && uint32At(payload, 5) === payload.length - dataHeadBytes)
    return { recipient: uint32At(payload, 1), data: payload.subarray(dataHeadBytes) }
  const reader = new Reader('CHANNEL_DATA', payload, 1)
  const recipient = reader.uint32('recipient channel')
  const data = reader.string('data')
  reader.end()
  return { recipient, data }
}

/** RFC 4254 section 5.2: the one type of extended data that is defined. */
export const extendedDataStderr = 1

export function decodeExtendedData(payload: Buffer): {
  readonly recipient: number
  readonly type: number
  readonly data: Buffer
} {
  const reader = new Reader('CHANNEL_EXTENDED_DATA', payload, 1)
  const recipient = reader.uint32('recipient channel')
  const type = reader.uint32('data_type_code')
  const data = reader.string('data')
  reader.end()
  return { recipient, type, data }
}

type BareChannelMessage = 'CHANNEL_EOF' | 'CHANNEL_CLOSE' | 'CHANNEL_SUCCESS' | 'CHANNEL_FAILURE'

/** EOF, CLOSE, SUCCESS and FAILURE carry the recipient channel alone. */
export function encodeBareChannelMessage(name: BareChannelMessage, recipient: number): Buffer {
  const payload = Buffer.allocUnsafe(bareBytes)
  payload[0] = messageNumber[name]
  putUint32(payload, 1, recipient)
  return payload
}

export function decodeBareChannelMessage(name: BareChannelMessage, payload: Buffer): number {
  // Half of the packets of a short command.
  if (payload.length === bareBytes) return uint32At(payload, 1)
  const reader = new Reader(name, payload, 1)
  const recipient = reader.uint32('recipient channel')
  reader.end()
  return recipient
}

export interface ChannelRequest {
  readonly recipient: number
  readonly type: string
  readonly wantReply: boolean
  readonly data: Buffer
}

export function encodeChannelRequest({ recipient, type, wantReply, data }: ChannelRequest): Buffer {
  const typeBytes = Buffer.byteLength(type)
  const payload = Buffer.allocUnsafe(10 + typeBytes + data.length)
  payload[0] = messageNumber.CHANNEL_REQUEST
  putUint32(payload, 1, recipient)
  putUint32(payload, 5, typeBytes)
  payload.write(type, 9)
  payload[9 + typeBytes] = wantReply ? 1 : 0
  payload.set(data, 10 + typeBytes)
  return payload
}

export function decodeChannelRequest(payload: Buffer): ChannelRequest {
  const reader = new Reader('CHANNEL_REQUEST', payload, 1)
  return {
    recipient: reader.uint32('recipient channel'),
    type: reader.name('request type'),
    wantReply: reader.boolean('want reply'),
    data: reader.rest(),
  }
}

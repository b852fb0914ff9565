/**
 * What an SSH connection takes at the least on node:net and node:crypto: it trusts everybody, waits for ever, and knows what
 * sshd sends in good order and nothing else.
 */
import { sign } from 'node:crypto'
import { connect, type OnReadOpts, type Socket } from 'node:net'
import { Channel, maxPacket, type Request, windowBytes } from './channel.js'
import { type Field, fieldsOf, uint32, writeFields } from './fields.js'
import { frame, frameView, type Opener, payloadAt, plainPacket, type Sealer, tagBytes } from './frame.js'
import { identification, KeyExchange, type Keys, kexInit } from './key-exchange.js'
import { type Identity, readIdentity } from './private-key.js'
import { release } from './release.js'

export interface Login {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly privateKeyFile: string
  readonly cipher: string
}

/** More than any packet of ours or theirs has. */
const mostOfPacket = 64 * 1024
const readBytes = 64 * 1024
/** Read into by all sockets; in front of that is room for the packet that one of them had only a part of. */
const memory = Buffer.allocUnsafeSlow(mostOfPacket + readBytes)
const memoryView = new DataView(memory.buffer)
const readInto = memory.subarray(mostOfPacket)

/** So much is sealed before the kernel has taken what was before it. */
const mostAtOnce = 4 * maxPacket
/** Up to this much is copied into one buffer: cheaper than a vector of small pieces. */
const coalesced = 16 * 1024
const none = Buffer.alloc(0)

/** SSH_MSG_CHANNEL_OPEN, and where in it our number of the channel is. */
const sessionOpen = Buffer.concat([Buffer.from([90]), fieldsOf('session', 0, windowBytes, maxPacket)])
const senderAt = 1 + 4 + 'session'.length

export class BareConnection {
  readonly #socket: Socket
  readonly #login: Login
  readonly #ready: (error?: Error) => void
  /** Until there are keys. */
  #exchange: KeyExchange | undefined
  #keys: Keys | undefined
  #opener: Opener | undefined
  #sealer: Sealer | undefined
  /** Where a part of a packet waits for the rest, and how much that is. */
  #carry: Buffer = none
  #carried = 0
  readonly #channels: (Channel | undefined)[] = []
  readonly #writers = new Set<Channel>()
  #isReady = false
  #hasProgram = false
  #isHeard = false
  #out: Uint8Array[] = []
  #outBytes = 0
  #turn: NodeJS.Immediate | undefined
  /** What was sealed and the kernel has not taken. */
  #leaving: Uint8Array[] | undefined

  static connect(login: Login): Promise<BareConnection> {
    return new Promise((resolve, reject) => {
      const connection: BareConnection = new BareConnection(login, (error) =>
        error === undefined ? resolve(connection) : reject(error),
      )
    })
  }

  private constructor(login: Login, ready: (error?: Error) => void) {
    const onread: OnReadOpts = {
      buffer: readInto,
      callback: (bytes) => {
        this.#receive(bytes)
        return true
      },
    }
    const { host, port, cipher } = login
    const ours = kexInit(cipher)
    this.#login = login
    this.#ready = ready
    this.#exchange = new KeyExchange(ours)
    this.#socket = connect({ host, port, noDelay: true, onread })
    this.#socket.on('error', ready)
    this.#push(Buffer.from(`${identification}\r\n`))
    this.#sendPayload(ours)
  }

  open(request: Request, received: (bytes: Buffer) => void, closed: () => void): Channel {
    let id = 0
    while (this.#channels[id] !== undefined) id++
    const channel = new Channel(request, received, closed)
    this.#channels[id] = channel
    frame.set(sessionOpen, payloadAt)
    frameView.setUint32(payloadAt + senderAt, id)
    this.#seal(payloadAt + sessionOpen.length)
    return channel
  }

  /** There is something to be sent, or the channel is to be asked for it. */
  wake(channel: Channel): void {
    this.#writers.add(channel)
    this.#schedule()
  }

  keepalive(): void {
    this.#send(80, 'keepalive@openssh.com', true)
  }

  close(closed: () => void): void {
    this.#socket.once('close', closed)
    this.#send(1, 11, '', '')
    this.#flush()
    this.#socket.destroySoon()
  }

  #send(number: number, ...fields: readonly Field[]): void {
    frame[payloadAt] = number
    this.#seal(writeFields(frame, payloadAt + 1, fields))
  }

  /** @param more bytes that stand in the frame already, behind the number of the channel */
  #sendTo({ remoteId }: Channel, number: number, more = 0): void {
    frameView.setUint8(payloadAt, number)
    frameView.setUint32(payloadAt + 1, remoteId)
    this.#seal(payloadAt + 5 + more)
  }

  #sendPayload(payload: Buffer): void {
    this.#seal(payloadAt + payload.copy(frame, payloadAt))
  }

  #seal(end: number): void {
    if (this.#sealer === undefined) this.#push(plainPacket(end))
    else {
      this.#outBytes += this.#sealer.seal(end, this.#out)
      this.#schedule()
    }
  }

  #push(bytes: Buffer): void {
    this.#out.push(bytes)
    this.#outBytes += bytes.length
    this.#schedule()
  }

  #schedule(): void {
    if (this.#turn === undefined) this.#turn = setImmediate(this.#flush)
  }

  /** All packets of a turn leave together. */
  readonly #flush = (): void => {
    this.#turn = undefined
    if (this.#leaving === undefined) for (const channel of this.#writers) this.#fill(channel)
    if (this.#out.length === 0) {
      if (!this.#isHeard || (this.#isReady && this.#channels.length === 0)) return
      // Until it starts a program sshd waits for an acknowledgement, which our kernel puts off by 40 ms.
      this.#send(2, '')
    }
    this.#isHeard = false
    const out = this.#out
    const bytes = this.#outBytes
    this.#out = []
    this.#outBytes = 0
    if (bytes <= coalesced) {
      this.#socket.write(joined(out, bytes))
      return
    }
    this.#leaving = out
    this.#socket.cork()
    for (const piece of out) this.#socket.write(piece)
    this.#socket.write(none, this.#left)
    this.#socket.uncork()
  }

  readonly #left = (): void => {
    for (const piece of this.#leaving ?? []) release(piece)
    this.#leaving = undefined
    this.#flush()
  }

  #fill(channel: Channel): void {
    while (channel.window > 0 && this.#outBytes < mostAtOnce) {
      if (channel.isDrained) channel.drained()
      if (channel.isDrained) {
        this.#writers.delete(channel)
        if (channel.isEnding) this.#sendTo(channel, 96)
        return
      }
      this.#seal(channel.fillFrame())
    }
  }

  #receive(bytes: number): void {
    let at = mostOfPacket - this.#carried
    this.#carry.copy(memory, at, 0, this.#carried)
    const end = mostOfPacket + bytes
    if (this.#exchange?.identification === '') at = this.#identified(at, end)
    while (end - at >= 4) {
      const size = 4 + memoryView.getUint32(at) + (this.#opener === undefined ? 0 : tagBytes)
      if (end - at < size) break
      const packet = this.#opener?.open(memory, at, size) ?? Buffer.from(memory.subarray(at + 4, at + size))
      this.#handle(packet, packet.length - (packet[0] ?? 0))
      at += size
    }
    this.#keep(at, end)
    if (this.#hasProgram || this.#opener === undefined) return
    this.#isHeard = true
    this.#schedule()
  }

  #keep(at: number, end: number): void {
    this.#carried = end - at
    if (this.#carried === 0) this.#carry = none
    else if (this.#carry.length < this.#carried) this.#carry = Buffer.allocUnsafeSlow(mostOfPacket)
    memory.copy(this.#carry, 0, at, end)
  }

  #identified(at: number, end: number): number {
    const lineEnd = memory.indexOf('\n', at)
    if (lineEnd < 0 || lineEnd >= end || this.#exchange === undefined) return at
    this.#exchange.identification = memory.toString('latin1', at, lineEnd - 1)
    return lineEnd + 1
  }

  /** @param packet begins with the length of the padding @param end of the payload */
  #handle(packet: Buffer, end: number): void {
    const number = packet[1] ?? 0
    if (number >= 91) this.#handleChannel(number, packet)
    else if (number === 20) this.#exchangeBegun(packet.subarray(1, end))
    else if (number === 31) this.#exchanged(packet.subarray(1, end))
    else if (number === 21) this.#opener = this.#keys?.opener
    else if (number === 52) this.#authenticated()
    // IGNORE, SERVICE_ACCEPT, EXT_INFO, what a server says of itself, and answers to keepalives.
    else if (![2, 4, 6, 7, 80, 81, 82].includes(number)) this.#fail(number)
  }

  #authenticated(): void {
    this.#isReady = true
    this.#ready()
  }

  #handleChannel(number: number, packet: Buffer): void {
    const id = uint32(packet, 2)
    const channel = this.#channels[id]
    if (channel === undefined) return
    if (number === 94 || number === 95) this.#handleData(channel, number, packet)
    else if (number === 93) {
      channel.window += uint32(packet, 6)
      if (this.#writers.has(channel)) this.#schedule()
    } else if (number === 91) this.#opened(channel, uint32(packet, 6), uint32(packet, 10))
    else if (number === 97) this.#closed(channel, id)
    else if (number === 99) this.#hasProgram = true
    // EOF, and a request: of its end.
    else if (number !== 96 && number !== 98) this.#fail(number)
  }

  #handleData(channel: Channel, number: number, packet: Buffer): void {
    const from = number === 94 ? 10 : 14
    const length = uint32(packet, from - 4)
    if (number === 94) channel.received(packet.subarray(from, from + length))
    channel.taken += length
    if (channel.taken < windowBytes / 2) return
    frameView.setUint32(payloadAt + 5, channel.taken)
    this.#sendTo(channel, 93, 4)
    channel.taken = 0
  }

  #opened(channel: Channel, remoteId: number, window: number): void {
    channel.remoteId = remoteId
    channel.window = window
    frame.set(channel.request.fields, payloadAt + 5)
    this.#sendTo(channel, 98, channel.request.fields.length)
    if (!channel.request.hasInput) this.#sendTo(channel, 96)
    else this.wake(channel)
  }

  #closed(channel: Channel, id: number): void {
    this.#channels[id] = undefined
    this.#writers.delete(channel)
    this.#sendTo(channel, 97)
    channel.closed()
  }

  #fail(number: number): void {
    const error = new Error(`a message ${number} came`)
    this.#ready(error)
    this.#socket.destroy(error)
  }

  #exchangeBegun(theirs: Buffer): void {
    if (this.#exchange === undefined) return
    this.#exchange.theirs = theirs
    this.#send(30, this.#exchange.ephemeral)
  }

  #exchanged(reply: Buffer): void {
    const keys = this.#exchange?.finish(reply)
    if (keys === undefined) return
    this.#send(21)
    this.#exchange = undefined
    this.#keys = keys
    this.#sealer = keys.sealer
    this.#send(5, 'ssh-userauth')
    this.#authenticate(readIdentity(this.#login.privateKeyFile), keys.sessionId)
  }

  /** The signature without asking first, on the heels of the service request. */
  #authenticate({ key, blob }: Identity, sessionId: Buffer): void {
    const kind = 'ssh-ed25519'
    const fields = [this.#login.username, 'ssh-connection', 'publickey', true, kind, blob] as const
    const signed = Buffer.concat([fieldsOf(sessionId), Buffer.from([50]), fieldsOf(...fields)])
    this.#send(50, ...fields, fieldsOf(kind, sign(null, signed, key)))
  }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

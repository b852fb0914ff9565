import { type Extension, extensions } from '#src/sftp/numbers.js'
import { encodeReply, type Reply } from '#src/sftp/replies.js'
import { decodeRequest, type IdentifiedRequest, type Request } from '#src/sftp/requests.js'
import { Sftp } from '#src/sftp/sftp.js'
import { encodeVersion } from '#src/sftp/version.js'
import { decodeChannelData } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { type SessionScript, scripted } from '../session/scripted.js'

export const ok: Reply = { type: 'STATUS', code: 0, message: '' }
export const eof: Reply = { type: 'STATUS', code: 1, message: 'End of file' }
const opened: Reply = { type: 'HANDLE', handle: Buffer.from('h') }

export interface SftpScriptOptions {
  readonly offers?: readonly Extension[]
  /** What it says first. @default VERSION 3 with what it offers */
  readonly greeting?: Buffer
}

/** An SFTP server that does what a test says. Left alone it greets, opens, and is content with everything. */
export class SftpScript {
  readonly requests: IdentifiedRequest[] = []
  /** What is answered, at once; undefined: nothing. */
  answer: (request: Request, id: number) => Reply | undefined = contented
  readonly #greeting: Buffer
  readonly #send: (bytes: Buffer) => void
  #bytes = Buffer.alloc(0)

  constructor(options: SftpScriptOptions, send: (bytes: Buffer) => void) {
    const { offers = [] } = options
    this.#greeting = options.greeting ?? encodeVersion(offers.map((name) => extensions[name]))
    this.#send = send
  }

  /** What was asked for, in order. */
  get types(): readonly string[] {
    return this.requests.map(({ request }) => request.type)
  }

  /** The id of the last request of a type. */
  idOf(type: Request['type']): number {
    const found = this.requests.findLast(({ request }) => request.type === type)
    if (found === undefined) throw new Error(`no ${type} came`)
    return found.id
  }

  reply(id: number, reply: Reply): void {
    this.#send(encodeReply(id, reply))
  }

  raw(bytes: Buffer): void {
    this.#send(bytes)
  }

  receive(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    while (this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readUInt32BE(0)) {
      const end = 4 + this.#bytes.readUInt32BE(0)
      const packet = this.#bytes.subarray(4, end)
      this.#bytes = this.#bytes.subarray(end)
      if (packet[0] === 1) this.#send(this.#greeting)
      else this.#receiveRequest(decodeRequest(packet))
    }
  }

  #receiveRequest(identified: IdentifiedRequest): void {
    this.requests.push(identified)
    const reply = this.answer(identified.request, identified.id)
    if (reply !== undefined) this.reply(identified.id, reply)
  }
}

export function contented({ type }: Request): Reply {
  if (type === 'OPEN' || type === 'OPENDIR') return opened
  if (type === 'READ' || type === 'READDIR') return eof
  return type === 'STAT' || type === 'LSTAT' || type === 'FSTAT' ? { type: 'ATTRS', attributes: {} } : ok
}

/** Puts an SFTP server into the first session of a scripted server. */
export function sftpOn(sessions: SessionScript, options: SftpScriptOptions = {}) {
  const channel = 0
  const server = new SftpScript(options, (bytes) => {
    // Its packets are 32 KiB at most.
    for (let offset = 0; offset < bytes.length; offset += 32_768)
      sessions.stdout(channel, bytes.subarray(offset, offset + 32_768))
  })
  const take = (payload: Buffer): boolean => {
    if (payload[0] !== messageNumber.CHANNEL_DATA) return false
    const { data } = decodeChannelData(payload)
    sessions.adjust(channel, data.length)
    server.receive(data)
    return true
  }
  return { server, /** Sees each message first. True: it was for this server. */ take }
}

/** A session as `Client.sftp()` opens it. */
export function openSftp(
  { client, sessions }: Pick<Awaited<ReturnType<typeof scripted>>, 'client' | 'sessions'>,
  fellBack: (what: string, why: string) => void = () => {},
): Promise<Sftp> {
  return Sftp.open({ port: client.connection, sessions, limitMs: 15_000, closeLimitMs: 2000, fellBack }, {})
}

/** A client, and an SFTP server for it, in simulated time. */
export async function scriptedSftp(options: SftpScriptOptions = {}) {
  const world = await scripted()
  const { server, script, time } = world
  const { server: sftpServer, take } = sftpOn(script, options)
  let isFrozen = false
  const before = server.before
  server.before = (payload) => {
    if (payload[0] === messageNumber.CHANNEL_DATA && isFrozen) return true
    return take(payload) || before(payload)
  }
  script.requested = (type) => {
    if (type === 'signal') script.finish(0)
  }
  const fallbacks: string[] = []
  const opening = openSftp(world, (what, why) => fallbacks.push(`${what}: ${why}`))
  return {
    ...world,
    sftpServer,
    opening,
    /** What the client could not use of what the server offers. */
    fallbacks,
    /** From now on the server takes nothing more out of its channel. */
    freeze: () => {
      isFrozen = true
    },
    open: () => time.value(opening),
  }
}

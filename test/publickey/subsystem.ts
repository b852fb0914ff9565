/** A server whose publickey subsystem does what a test says. */
import type { TestContext } from 'node:test'
import type { Client, ConnectOptions } from 'holdfast'
import type { ServerSession, SessionHandler } from 'holdfast/testing'
import {
  encodeResponse,
  type KeyAttribute,
  type ListedKey,
  protocolVersion,
  type Response,
} from '#src/publickey/messages.js'
import { Reader } from '#src/wire/reader.js'
import { client, server } from '../promises/support/embedded.js'

export const greeting: Response = { type: 'version', version: protocolVersion }

/** A packet of the client, without its length. */
export interface Asked {
  readonly name: string
  readonly reader: Reader
}

/** A client of a server whose subsystem `publickey` is this. */
export async function withSubsystem(
  t: TestContext,
  publickey: SessionHandler,
  options: ConnectOptions = {},
): Promise<Client> {
  return client(t, await server(t, { subsystems: { publickey } }), options)
}

/** What a subsystem speaks through, here or in a process of an sshd. */
type Streams = Pick<ServerSession, 'stdin' | 'stdout'>

export function says(session: Pick<Streams, 'stdout'>, ...responses: readonly (Response | Buffer)[]): void {
  for (const response of responses)
    if (!session.stdout.destroyed) session.stdout.write(Buffer.isBuffer(response) ? response : encodeResponse(response))
}

/** What the client asks for, until it ends. */
export async function* asked({ stdin }: Pick<Streams, 'stdin'>): AsyncGenerator<Asked> {
  let bytes: Buffer = Buffer.alloc(0)
  for await (const piece of stdin) {
    bytes = Buffer.concat([bytes, piece as Buffer])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const reader = new Reader('request', bytes.subarray(4, 4 + bytes.readUInt32BE(0)))
      bytes = bytes.subarray(4 + bytes.readUInt32BE(0))
      yield { name: reader.name('name'), reader }
    }
  }
}

/** Does nothing more until the client is gone. */
export async function untilGone({ stdin }: ServerSession): Promise<void> {
  stdin.resume()
  await new Promise((resolve) => void stdin.once('close', resolve))
}

/** A subsystem as RFC 4819 has it, which keeps keys in memory. */
export class KeyStore {
  readonly keys: ListedKey[] = []
  /** What the client began with, and what it asked for, in order. */
  readonly log: string[] = []
  readonly #known = ['comment', 'from']

  readonly serve = async (session: Streams): Promise<void> => {
    says(session, greeting)
    for await (const { name, reader } of asked(session)) {
      this.log.push(name)
      if (name !== 'version') says(session, ...this.#answer(name, reader))
    }
  }

  #answer(name: string, reader: Reader): readonly Response[] {
    switch (name) {
      case 'add':
        return [this.#add(reader)]
      case 'remove':
        return [this.#remove(reader)]
      case 'list':
        return [...this.keys.map((key): Response => ({ type: 'publickey', key })), done(0)]
      case 'listattributes':
        return [
          ...this.#known.map((known): Response => {
            return { type: 'attribute', attribute: { name: known, isCompulsory: known === 'from' } }
          }),
          done(0),
        ]
      default:
        return [done(8)]
    }
  }

  #add(reader: Reader): Response {
    const key = { algorithm: reader.name('algorithm'), blob: reader.string('blob') }
    const overwrite = reader.boolean('overwrite')
    const attributes: KeyAttribute[] = []
    let isKnown = true
    for (let left = reader.uint32('count'); left > 0; left--) {
      const attribute = { name: reader.text('name'), value: reader.text('value') }
      if (reader.boolean('critical') && !this.#known.includes(attribute.name)) isKnown = false
      attributes.push(attribute)
    }
    reader.end()
    if (!isKnown) return done(9)
    const at = this.#indexOf(key)
    if (at !== -1 && !overwrite) return done(6, 'it is there\u0007 already')
    if (at !== -1) this.keys.splice(at, 1)
    this.keys.push({ ...key, attributes })
    return done(0)
  }

  #remove(reader: Reader): Response {
    const at = this.#indexOf({ algorithm: reader.name('algorithm'), blob: reader.string('blob') })
    reader.end()
    if (at === -1) return done(4)
    this.keys.splice(at, 1)
    return done(0)
  }

  #indexOf({ algorithm, blob }: Pick<ListedKey, 'algorithm' | 'blob'>): number {
    return this.keys.findIndex((key) => key.algorithm === algorithm && key.blob.equals(blob))
  }
}

export function done(code: number, description = ''): Response {
  return { type: 'status', code, description }
}

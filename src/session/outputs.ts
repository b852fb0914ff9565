import type { Channel } from '../connection/channel.js'
import type { Output } from './output.js'

/** A packet that does not fit into what is left of the window need not be sent in pieces. */
const tightWindow = 32 * 1024

/** What a program writes, to both of its outputs, and the one window that lets it write more (RFC 4254 section 5.2). */
export class Outputs {
  readonly stdout: Output
  readonly stderr: Output
  readonly #session: { readonly channel: Channel | undefined }
  #isDropped = false
  /** Bytes that were granted to the server again before their reader took them. */
  #forgone = 0

  constructor(
    { stdout, stderr }: Pick<Outputs, 'stdout' | 'stderr'>,
    session: { readonly channel: Channel | undefined },
  ) {
    this.stdout = stdout
    this.stderr = stderr
    this.#session = session
  }

  /** Whether the peer may send nothing because our side does not read. */
  get isHeldUp(): boolean {
    return this.#unread > 0 && (this.#session.channel?.receiveWindow ?? tightWindow) < tightWindow
  }

  deliver(output: Output, bytes: Buffer): void {
    if (this.#isDropped) this.#session.channel?.consumed(bytes.length)
    else output.deliver(bytes)
  }

  /** Somebody took so many bytes. */
  consumed(bytes: number): void {
    const granted = Math.min(bytes, this.#forgone)
    this.#forgone -= granted
    if (bytes > granted) this.#session.channel?.consumed(bytes - granted)
  }

  /** What would still come of a stream that its reader has left unread is dropped from now on. */
  dropUnread(): void {
    const unread = this.#unread
    if (this.#isDropped || unread === 0) return
    this.#isDropped = true
    this.#forgone = unread
    this.#session.channel?.consumed(unread)
  }

  end(): void {
    this.stdout.end()
    this.stderr.end()
  }

  fail(cause: Error): void {
    this.stdout.fail(cause)
    this.stderr.fail(cause)
  }

  get #unread(): number {
    return this.stdout.unread + this.stderr.unread
  }
}

import { Readable } from 'node:stream'
import { asHoldfastError, HoldfastError } from '../errors.js'
import { type Done, tellEnd } from '../sftp/stream-file.js'
import { Conversation, type ConversationSettings } from './conversation.js'
import { beginning } from './get.js'
import { scpProtocolError } from './scp-error.js'

/** A file of the server as it comes. Destroyed before its end, it ends the scp that gives it. */
export class ScpReadStream extends Readable {
  readonly #scp: Conversation
  readonly #path: string
  readonly #pieces: AsyncGenerator<Buffer, undefined>
  /** Whether its scp has ended. */
  #isOver = false

  /**
   * Resolves once the server begins to give it.
   * @throws CommandError, ScpError, HoldfastError ERR_SSH_SCP_NAME, ERR_SSH_SCP_PROTOCOL
   */
  static async open(settings: ConversationSettings): Promise<ScpReadStream> {
    const { host, command, path, signal } = settings
    const scp = new Conversation(settings, await host.sessions.run(command, signal))
    try {
      const { record } = await beginning(scp, path)
      if (record.type !== 'file') throw scpProtocolError('it gives a directory, where a file was asked for')
      return new ScpReadStream(scp, { path, size: record.size })
    } catch (error) {
      throw await scp.failed(error)
    }
  }

  private constructor(scp: Conversation, { path, size }: { readonly path: string; readonly size: number }) {
    super()
    this.#scp = scp
    this.#path = path
    this.#pieces = this.#whole(size)
    // A failure must not end a program that does not listen; those that do hear it all the same.
    this.on('error', () => {})
  }

  override _read(): void {
    void this.#next()
  }

  override _destroy(error: Error | null, done: Done): void {
    void tellEnd(done, this.#end(error), error)
  }

  async #next(): Promise<void> {
    try {
      const { value, done } = await this.#pieces.next()
      this.push(done === true ? null : value)
    } catch (error) {
      const failure = this.#isOver ? error : await this.#scp.failed(error)
      this.#isOver = true
      this.destroy(asHoldfastError(failure))
    }
  }

  async *#whole(size: number): AsyncGenerator<Buffer, undefined> {
    await this.#scp.agree()
    yield* this.#scp.contents(size, `the contents of '${this.#path}'`)
    await this.#scp.answer(`the end of the contents of '${this.#path}'`)
    await this.#scp.agree()
    if ((await this.#scp.record()) !== undefined) throw scpProtocolError('it gives more than was asked for')
    await this.#scp.finish()
    this.#isOver = true
  }

  /** Nobody wants the rest. */
  async #end(error: Error | null): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    const reason = error ?? new HoldfastError('ERR_SSH_ABORTED', 'its stream was closed', { phase: 'command' })
    await this.#scp.failed(reason)
  }
}

import { Duplex } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { openFlag } from '../sftp/numbers.js'
import { readAhead } from '../sftp/read-ahead.js'
import { RemoteFile } from '../sftp/remote-file.js'
import { toPath } from '../sftp/settings.js'
import { asError, type Done, tell, tellEnd } from '../sftp/stream-file.js'
import { WriteBehind } from '../sftp/write-behind.js'
import { printable } from '../wire/printable.js'
import { onSftp, type SftpCall, type Ssh2Sftp } from './sftp.js'
import type { SftpPath } from './sftp-paths.js'
import { register } from './stream-state.js'

const { READ, WRITE, CREAT, TRUNC, EXCL, APPEND } = openFlag

/** By the first letter of a mode; with a `+` a file is read and written. */
const flagsOf = new Map([
  ['r', READ],
  ['w', WRITE | CREAT | TRUNC],
  ['x', WRITE | CREAT | EXCL],
  // PHP sends APPEND alone, by which no server writes or makes anything.
  ['a', WRITE | CREAT | APPEND],
])

/** Of a file that is made, as in PHP. */
const createMode = 0o644

/**
 * A file of a server as a stream that reads and writes at one position, as PHP's do. What was written is with the server once
 * the write is done. Its end closes the file, as does reading one to its end that was opened for nothing else.
 */
export class Ssh2FileStream extends Duplex {
  /** As it was opened. */
  readonly mode: string
  readonly #file: RemoteFile
  readonly #flags: number
  readonly #unlisten: () => void
  /** Where it goes on reading: behind what waits here. */
  #offset = 0
  #pieces: AsyncGenerator<Buffer> | undefined
  #isWanted = false
  /** Where a write is under way, or the position changes. */
  #isHeld = false
  /** While what waits here is thrown away. */
  #isTakingBack = false
  /** Whether the end was told, which a stream takes for good. */
  #hasEnd = false
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(file: RemoteFile, { mode, flags }: { readonly mode: string; readonly flags: number }) {
    // Nothing is fetched into it that nobody asks for: its end, above all, is one for good.
    super({ readableHighWaterMark: 0 })
    this.mode = mode
    this.#file = file
    this.#flags = flags
    // A failure must not end a program that does not listen; those that do hear it all the same.
    this.on('error', () => {})
    this.#unlisten = file.session.onEnd((cause) => void this.destroy(cause))
  }

  /** Behind what the program has read or written last. */
  get position(): number {
    return this.#offset - this.readableLength
  }

  /** @throws SftpError */
  async size(): Promise<number> {
    return Number((await this.#file.attributes(undefined)).size ?? 0n)
  }

  /** @throws HoldfastError ERR_SSH_OPTION */
  checkReading(): void {
    if ((this.#flags & READ) === 0) throw this.#wrong('was not opened for reading')
  }

  /** @throws HoldfastError ERR_SSH_OPTION */
  checkWriting(): void {
    if ((this.#flags & WRITE) === 0) throw this.#wrong('was not opened for writing')
  }

  /** Reads and writes on from there. @throws HoldfastError ERR_SSH_OPTION */
  moveTo(position: number): void {
    if (!Number.isSafeInteger(position) || position < 0) throw this.#wrong(`has no position ${position}`)
    if (this.writableLength > 0) throw this.#wrong('is being written to: await fwrite() first')
    if (this.destroyed || this.#hasEnd) throw this.#wrong('was read to its end, which ends its stream: open it again')
    this.#holdReading()
    this.#offset = position
    this.#readOn()
  }

  /** What is taken back comes again: a listener for `data`, whom Node tells of all that is read, gets it then. */
  override emit(event: string | symbol, ...details: unknown[]): boolean {
    return !(this.#isTakingBack && event === 'data') && super.emit(event, ...details)
  }

  override _read(): void {
    this.#isWanted = true
    void this.#readNext()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    void tell(done, this.#write(chunk))
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    void tell(done, this.#write(Buffer.concat(chunks.map(({ chunk }) => chunk))))
  }

  override _final(done: Done): void {
    void tell(done, this.#close())
  }

  override _destroy(error: Error | null, done: Done): void {
    void tellEnd(done, this.#close(), error)
  }

  async #readNext(): Promise<void> {
    if (this.#isHeld) return
    if ((this.#flags & READ) === 0 || this.#closing !== undefined) return this.#pushEnd()
    this.#pieces ??= readAhead(this.#file, { start: this.#offset, end: Number.MAX_SAFE_INTEGER })
    const pieces = this.#pieces
    const next = await pieces.next().catch((error: unknown) => this.#readFailed(pieces, error))
    // Moved or written to meanwhile, it reads on elsewhere.
    if (next === undefined || pieces !== this.#pieces || this.destroyed) return
    if (next.done === true) return this.#pushEnd()
    this.#isWanted = false
    this.#offset += next.value.length
    this.push(next.value)
  }

  #pushEnd(): void {
    this.#isWanted = false
    this.#hasEnd = true
    this.push(null)
    if ((this.#flags & WRITE) === 0) this.end()
  }

  #readFailed(pieces: AsyncGenerator<Buffer>, error: unknown): undefined {
    if (pieces === this.#pieces) this.destroy(asError(error))
  }

  async #write(bytes: Buffer): Promise<void> {
    this.checkWriting()
    this.#holdReading()
    const writer = new WriteBehind(this.#file, { offset: this.#offset })
    await writer.write(bytes)
    await writer.flush()
    // What is appended goes to the end, wherever that is.
    if ((this.#flags & APPEND) === 0) this.#offset += bytes.length
    this.#readOn()
  }

  /** Takes back what was read ahead of the program. */
  #holdReading(): void {
    this.#isHeld = true
    this.#stopReading()
    this.#offset = this.position
    this.#isTakingBack = true
    while (this.readableLength > 0) this.read()
    this.#isTakingBack = false
  }

  #readOn(): void {
    this.#isHeld = false
    if (this.#isWanted) void this.#readNext()
  }

  #stopReading(): void {
    // Not waited for: it may wait for the server itself.
    this.#pieces?.return(undefined).catch(() => {})
    this.#pieces = undefined
  }

  #close(): Promise<void> {
    this.#unlisten()
    this.#stopReading()
    this.#closing ??= this.#file.close()
    return this.#closing
  }

  #wrong(problem: string): HoldfastError {
    const message = `'${printable(this.#file.path, 200)}' ${problem}`
    return new HoldfastError('ERR_SSH_OPTION', message, { phase: 'request' })
  }
}

/**
 * Opens a file of a server as PHP's `fopen()` does.
 * @param mode `r`, `w`, `x` or `a`, with a `+` to read and write; what else is in it means nothing
 * @throws TypeError for what is no handle of `ssh2_sftp()`
 */
export async function openFile(
  call: SftpCall,
  handle: Ssh2Sftp,
  path: SftpPath,
  mode: string,
): Promise<Ssh2FileStream | false> {
  return onSftp(call, handle, {
    start: async ({ sftp, session, peer, hold }, signal) => {
      const flags = toFlags(mode)
      const file = await RemoteFile.open(sftp.session, toPath(path), { flags, mode: createMode, signal })
      // Nothing is to be fetched ahead: a file would go on to its end, which is one for good.
      const stream = register(new Ssh2FileStream(file, { mode, flags }), session, peer, { isReadWhole: true })
      return stream.once('close', hold())
    },
    undo: (stream) => stream.destroy(),
  })
}

/** @throws HoldfastError ERR_SSH_OPTION */
function toFlags(mode: string): number {
  const flags = flagsOf.get(mode.slice(0, 1))
  if (flags !== undefined) return mode.includes('+') ? flags | READ | WRITE : flags
  const problem = `mode '${printable(mode, 40)}' is none of r, w, x and a, with or without a +`
  throw new HoldfastError('ERR_SSH_OPTION', problem, { phase: 'options' })
}

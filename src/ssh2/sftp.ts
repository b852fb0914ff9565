import { SftpExtensions } from './sftp-extensions.js'
import { type FileOptions, readWhole, writeWhole } from './sftp-files.js'
import { ReadStream, type ReadStreamOptions } from './sftp-read-stream.js'
import { type Callback } from './sftp-requests.js'
import { fastGet, fastPut, type TransferOptions } from './sftp-transfer.js'
import { WriteStream, type WriteStreamOptions } from './sftp-write-stream.js'

type Data = string | Buffer

/** The files of a server, as ssh2's class of that name, which its types call `SFTPWrapper`. */
export class SFTP extends SftpExtensions {
  createReadStream(path: string, options?: ReadStreamOptions | BufferEncoding): ReadStream {
    return new ReadStream(this, path, options)
  }

  createWriteStream(path: string, options?: WriteStreamOptions | BufferEncoding): WriteStream {
    return new WriteStream(this, path, options)
  }

  readFile(path: string, callback: Callback<Data>): void
  readFile(path: string, options: FileOptions | BufferEncoding, callback: Callback<Data>): void
  readFile(path: string, options: unknown, callback?: unknown): void {
    const [given, done] = typeof options === 'function' ? [undefined, options] : [options, callback]
    this.deliver(readWhole(this, path, optionsOf(given)), done)
  }

  writeFile(path: string, data: Data, callback: Callback): void
  writeFile(path: string, data: Data, options: FileOptions | BufferEncoding, callback: Callback): void
  writeFile(path: string, data: Data, options: unknown, callback?: unknown): void {
    const [given, done] = typeof options === 'function' ? [undefined, options] : [options, callback]
    this.deliver(writeWhole(this, path, data, { flag: 'w', ...optionsOf(given) }), done)
  }

  appendFile(path: string, data: Data, callback: Callback): void
  appendFile(path: string, data: Data, options: FileOptions | BufferEncoding, callback: Callback): void
  appendFile(path: string, data: Data, options: unknown, callback?: unknown): void {
    const [given, done] = typeof options === 'function' ? [undefined, options] : [options, callback]
    this.deliver(writeWhole(this, path, data, { flag: 'a', ...optionsOf(given) }), done)
  }

  /** A file of the server to one of this machine, in several requests at a time. */
  fastGet(remotePath: string, localPath: string, callback: Callback): void
  fastGet(remotePath: string, localPath: string, options: TransferOptions, callback: Callback): void
  fastGet(remotePath: string, localPath: string, options: unknown, callback?: unknown): void {
    const [given, done] = typeof options === 'function' ? [undefined, options] : [options, callback]
    this.#transferred(fastGet(this, remotePath, localPath, given), done)
  }

  fastPut(localPath: string, remotePath: string, callback: Callback): void
  fastPut(localPath: string, remotePath: string, options: TransferOptions, callback: Callback): void
  fastPut(localPath: string, remotePath: string, options: unknown, callback?: unknown): void {
    const [given, done] = typeof options === 'function' ? [undefined, options] : [options, callback]
    this.#transferred(fastPut(this, localPath, remotePath, given), done)
  }

  /** Of an empty file ssh2 tells in the way of errors: by one argument, which is none. */
  #transferred(transfer: Promise<number>, callback: unknown): void {
    transfer.then(
      (size) => this.callBack(callback, ...(size > 0 ? [] : [undefined])),
      (error: unknown) => this.callBack(callback, error),
    )
  }
}

/** @throws TypeError, Error as ssh2 does */
function optionsOf(given: unknown): FileOptions {
  if (given === undefined || given === null) return {}
  const options = typeof given === 'string' ? { encoding: given } : given
  if (typeof options !== 'object') throw new TypeError('Bad arguments')
  const encoding: unknown = Reflect.get(options, 'encoding')
  if (typeof encoding === 'string' && !Buffer.isEncoding(encoding)) throw new Error(`Unknown encoding: ${encoding}`)
  return options
}

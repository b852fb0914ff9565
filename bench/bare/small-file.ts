/** A file that one request takes: two round trips, since its handle is closed in the flight of the request. */
import { type Asker, messageType, type Sftp } from './sftp.js'

export const openFlags = { read: 0x01, write: 0x02 | 0x08 | 0x10 } as const
const smallBytes = 32 * 1024
const none = Buffer.alloc(0)

export function readSmall(sftp: Sftp, path: string): Promise<Buffer> {
  return new Promise((resolve) => {
    sftp.ask(new SmallRead(sftp, resolve), messageType.OPEN, path, [openFlags.read, 0])
  })
}

export function writeSmall(sftp: Sftp, path: string, content: Buffer): Promise<void> {
  return new Promise((resolve) => {
    sftp.ask(new SmallWrite(sftp, content, resolve), messageType.OPEN, path, [openFlags.write, 0])
  })
}

/** Its own copy: the answer's memory is that of a packet. */
export function handleIn(body: Buffer): Buffer {
  return Buffer.from(body.subarray(4))
}

class SmallRead implements Asker {
  readonly #sftp: Sftp
  readonly #read: (content: Buffer) => void
  #content: Buffer = none

  constructor(sftp: Sftp, read: (content: Buffer) => void) {
    this.#sftp = sftp
    this.#read = read
  }

  data(piece: Buffer): void {
    this.#content = this.#content.length === 0 ? piece : Buffer.concat([this.#content, piece])
  }

  done(type: number, body: Buffer): void {
    if (type === messageType.HANDLE) {
      const handle = handleIn(body)
      this.#sftp.ask(this, messageType.READ, handle, [0, 0, smallBytes])
      this.#sftp.ask(this, messageType.CLOSE, handle, [])
    } else if (type === messageType.DATA) this.#read(this.#content)
  }
}

class SmallWrite implements Asker {
  readonly #sftp: Sftp
  readonly #content: Buffer
  readonly #written: () => void
  #statuses = 0

  constructor(sftp: Sftp, content: Buffer, written: () => void) {
    this.#sftp = sftp
    this.#content = content
    this.#written = written
  }

  done(type: number, body: Buffer): void {
    if (type === messageType.HANDLE) {
      const handle = handleIn(body)
      this.#sftp.ask(this, messageType.WRITE, handle, [0, 0, this.#content.length], this.#content)
      this.#sftp.ask(this, messageType.CLOSE, handle, [])
    } else if (++this.#statuses === 2) this.#written()
  }
}

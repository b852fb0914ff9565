/** A folder of small files. */
import { close, open, read, write } from 'node:fs'
import { Fields } from './fields.js'
import { type Asker, messageType, type Sftp } from './sftp.js'
import { handleIn, readSmall, writeSmall } from './small-file.js'

/** A server's folder is asked for its names by so many requests at once; each brings a hundred. */
const listsAtOnce = 8
const smallBytes = 32 * 1024

export function makeFolder(sftp: Sftp, path: string): Promise<void> {
  return new Promise((resolve) => {
    sftp.ask({ done: () => resolve() }, messageType.MKDIR, path, [0])
  })
}

export function namesIn(sftp: Sftp, path: string): Promise<readonly string[]> {
  return new Promise((resolve) => {
    sftp.ask(new Listing(sftp, resolve), messageType.OPENDIR, path, [])
  })
}

export async function getSmall(sftp: Sftp, remote: string, local: string): Promise<void> {
  const content = await readSmall(sftp, remote)
  await new Promise<void>((resolve) => {
    open(local, 'w', (error, file) => {
      if (error !== null) throw error
      write(file, content, 0, content.length, 0, () => close(file, () => resolve()))
    })
  })
}

export async function putSmall(sftp: Sftp, local: string, remote: string): Promise<void> {
  const content = await new Promise<Buffer>((resolve) => {
    open(local, 'r', (error, file) => {
      if (error !== null) throw error
      read(file, Buffer.allocUnsafe(smallBytes), 0, smallBytes, 0, (_, bytes, buffer) =>
        close(file, () => resolve(buffer.subarray(0, bytes))),
      )
    })
  })
  await writeSmall(sftp, remote, content)
}

class Listing implements Asker {
  readonly #sftp: Sftp
  readonly #listed: (names: readonly string[]) => void
  readonly #names: string[] = []
  #handle: Buffer = Buffer.alloc(0)

  constructor(sftp: Sftp, listed: (names: readonly string[]) => void) {
    this.#sftp = sftp
    this.#listed = listed
  }

  done(type: number, body: Buffer): void {
    if (type === messageType.HANDLE) {
      this.#handle = handleIn(body)
      for (let asked = 0; asked < listsAtOnce; asked++) this.#ask()
    } else if (type === messageType.NAME) {
      this.#read(body)
      this.#ask()
    } else if (this.#handle.length > 0) {
      this.#sftp.ask({ done: () => {} }, messageType.CLOSE, this.#handle, [])
      this.#handle = Buffer.alloc(0)
      this.#listed(this.#names)
    }
  }

  #ask(): void {
    this.#sftp.ask(this, messageType.READDIR, this.#handle, [])
  }

  #read(body: Buffer): void {
    const fields = new Fields(body, 0)
    for (let left = fields.uint32(); left > 0; left--) {
      const name = fields.string().toString()
      fields.string()
      fields.skip(attributeBytes(fields.uint32()))
      if (name !== '.' && name !== '..') this.#names.push(name)
    }
  }
}

/** Size, owner, permissions, times: what OpenSSH says of a file. */
function attributeBytes(flags: number): number {
  return (flags & 1 ? 8 : 0) + (flags & 2 ? 8 : 0) + (flags & 4 ? 4 : 0) + (flags & 8 ? 8 : 0)
}

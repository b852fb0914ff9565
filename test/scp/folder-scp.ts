/** An scp over a folder of this machine, for the embedded SSH server: what scp.c does, as far as a client can see it. */
import * as fs from 'node:fs/promises'
import path from 'node:path'
import type { ServerSession, SessionHandler } from 'holdfast/testing'
import { Input } from '#src/scp/input.js'
import { decodeRecord, encodeRecord, type ScpRecord } from '#src/scp/records.js'

/** Runs `scp -t` and `scp -f` as if the folder were the home, and `/` too. Other commands are `otherwise`. */
export function folderScp(root: string, otherwise: SessionHandler = async () => 127): SessionHandler {
  return async (session) => {
    const [program, ...words] = (session.command ?? '').split(' ')
    if (program !== 'scp') return otherwise(session)
    const scp = new FolderScp(session, words.includes('-p'))
    const place = path.join(root, path.posix.resolve('/', words.at(-1)?.replaceAll("'", '') ?? ''))
    try {
      if (words.includes('-t')) await scp.take(place)
      else await scp.giveAll(place)
      return 0
    } catch (error) {
      await scp.say(`\u0001scp: ${String(error)}\n`)
      return 1
    }
  }
}

class FolderScp {
  readonly #session: ServerSession
  readonly #input: Input
  readonly #preserve: boolean

  constructor(session: ServerSession, preserve: boolean) {
    this.#session = session
    this.#input = new Input(session.stdin, (_what, next) => next)
    this.#preserve = preserve
  }

  async say(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((resolve) => void this.#session.stdout.write(bytes, () => resolve()))
  }

  /** What comes, into a directory, up to its end. */
  async take(directory: string): Promise<void> {
    if (!(await fs.stat(directory)).isDirectory()) throw new Error(`${directory}: Not a directory`)
    let times: Extract<ScpRecord, { type: 'times' }> | undefined
    for (;;) {
      await this.say('\0')
      const line = await this.#input.line(10_000, 'a record')
      const record: ScpRecord = line === undefined ? { type: 'end' } : decodeRecord(line)
      if (record.type === 'end') return
      if (record.type === 'times') {
        times = record
        continue
      }
      const place = path.join(directory, record.name.toString())
      if (record.type === 'file') await this.#takeFile(place, record.size)
      else {
        await fs.mkdir(place, { recursive: true })
        await this.take(place)
      }
      await fs.chmod(place, record.mode)
      if (times !== undefined) await fs.utimes(place, times.atime, times.mtime)
      times = undefined
    }
  }

  async #takeFile(place: string, size: number): Promise<void> {
    const file = await fs.open(place, 'w')
    try {
      await this.say('\0')
      for (let left = size; left > 0; ) {
        const bytes = await this.#input.some(left, 'contents')
        if (bytes === undefined) throw new Error('the contents end early')
        await file.write(bytes)
        left -= bytes.length
      }
      await this.#heard()
    } finally {
      await file.close()
    }
  }

  async giveAll(place: string): Promise<void> {
    await this.#heard()
    await this.#give(place)
  }

  async #give(place: string): Promise<void> {
    const { mode, size, atimeMs, mtimeMs } = await fs.stat(place)
    const name = Buffer.from(path.basename(place))
    const [atime, mtime] = [Math.floor(atimeMs / 1000), Math.floor(mtimeMs / 1000)]
    if (this.#preserve) await this.#tell({ type: 'times', atime, mtime })
    if ((mode & 0o170000) === 0o040000) {
      await this.#tell({ type: 'directory', mode, name })
      for (const entry of await fs.readdir(place)) await this.#give(path.join(place, entry))
      await this.#tell({ type: 'end' })
    } else {
      await this.#tell({ type: 'file', mode, size, name })
      await this.say(Buffer.concat([await fs.readFile(place), Buffer.of(0)]))
      await this.#heard()
    }
  }

  async #tell(record: ScpRecord): Promise<void> {
    await this.say(encodeRecord(record))
    await this.#heard()
  }

  async #heard(): Promise<void> {
    const byte = await this.#input.byte('an answer')
    if (byte !== 0) throw new Error(`the other side answered ${byte}`)
  }
}

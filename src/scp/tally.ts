import { defaultListRoom, Room } from '../sftp/room.js'
import type { SkippedEntry } from '../sftp/transfer-options.js'
import type { ScpResult, ScpSettings } from './options.js'

/** A file or directory here and there. */
export interface ScpPair {
  readonly local: string
  readonly remote: string
}

/** How far one `get()` or `put()` is. */
export class Tally {
  readonly settings: ScpSettings
  readonly #skipped: SkippedEntry[] = []
  readonly #room = new Room(defaultListRoom, 'what was left out of the tree')
  #files = 0
  #directories = 0
  #bytes = 0

  constructor(settings: ScpSettings) {
    this.settings = settings
  }

  get result(): ScpResult {
    return { files: this.#files, directories: this.#directories, bytes: this.#bytes, skipped: this.#skipped }
  }

  fileDone(): void {
    this.#files++
  }

  directoryDone(): void {
    this.#directories++
  }

  skip(path: string, why: string): void {
    this.#room.takeEntry(path)
    this.#skipped.push({ path, why })
  }

  /** @param moved how many bytes went over just now @param bytes of the file that are there */
  progress({ local, remote }: ScpPair, moved: number, bytes: number, size: number): void {
    this.#bytes += moved
    this.settings.progress({ local, remote, bytes, size, files: this.#files, interruptions: 0 })
  }
}

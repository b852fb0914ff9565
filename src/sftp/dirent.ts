import type { Attributes } from './attributes.js'
import { FileKind, Stats } from './stats.js'

/** One entry of a directory, as `node:fs` has it. */
export class Dirent extends FileKind {
  readonly name: string
  /** As the server gave it, where that is not UTF-8. */
  readonly nameBytes: Buffer
  /** The directory, as it was opened. */
  readonly parentPath: string
  /** What `lstat` would say, which comes with the name. */
  readonly stats: Stats

  /** @internal */
  constructor(name: Buffer, parentPath: string, attributes: Attributes) {
    super(attributes.mode)
    this.name = name.toString()
    this.nameBytes = name
    this.parentPath = parentPath
    this.stats = new Stats(attributes)
  }
}

import { createHash, randomBytes } from 'node:crypto'

/** Ends the name of every part, so that a tree can leave out what earlier transfers left. */
export const partSuffix = '.holdfast-part'

/** As nearly all file systems have it. */
const maxNameBytes = 255
const idDigits = 12

/** Parts that transfers of this process write to. */
const inUse = new Set<string>()

/** A file on its way: what its part is to be called, and who may go on with it. */
export interface PartOptions {
  /** The name alone that the file is to have in the end. */
  readonly name: Buffer
  /** What tells this transfer from all others with the same target: the machine and path of the source. */
  readonly source: string
  /** Where the target is: parts of one name in two places are two. */
  readonly place: string
  /** Whether what is left of a failure is to be gone on with. */
  readonly resume: boolean
}

/** The steps of a transfer that places its file atomically. Each gets the name of the part. */
export interface PartSteps {
  write(part: Buffer): Promise<void>
  /** Renames it to what it is to be. */
  place(part: Buffer): Promise<void>
  /** Must not reject. @param failure what the transfer ends by */
  remove(part: Buffer, failure: unknown): Promise<void>
}

/**
 * Writes a file beside its place, then renames it. Two transfers to one target must not write to one part, of which the
 * first to be done would place what the other still writes. So each has a name of its own, by chance, which is removed
 * where it fails. With `resume` the next attempt has to find the part, also in another process: then its name comes from
 * source and target, and whoever sends the same file there while it is under way in this process gets one by chance.
 */
export async function throughPart(options: PartOptions, steps: PartSteps): Promise<void> {
  const own = digest(options)
  const key = `${options.place}\0${own}`
  const isKept = options.resume && !inUse.has(key)
  const part = partName(options.name, isKept ? own : randomBytes(idDigits / 2).toString('hex'))
  if (isKept) inUse.add(key)
  try {
    await steps.write(part)
    await steps.place(part)
  } catch (error) {
    if (!isKept) await steps.remove(part, error)
    throw error
  } finally {
    if (isKept) inUse.delete(key)
  }
}

function digest({ name, source, place }: PartOptions): string {
  const hash = createHash('sha256').update(`${source}\0${place}\0`).update(name)
  return hash.digest('hex').slice(0, idDigits)
}

function partName(name: Buffer, id: string): Buffer {
  const ending = Buffer.from(`.${id}${partSuffix}`)
  return Buffer.concat([cut(name, maxNameBytes - ending.length), ending])
}

/** In front of a character, never inside of one: some systems refuse names that are not UTF-8. */
function cut(name: Buffer, most: number): Buffer {
  let end = Math.min(name.length, most)
  while (end < name.length && end > 0 && ((name[end] ?? 0) & 0xc0) === 0x80) end--
  return name.subarray(0, end)
}

import type { FileKind } from './stats.js'
import type { Pair, Transfer } from './transfer.js'

/** A directory, or what stands in one, on both sides. */
export interface Level extends Pair {
  /** How many directories of the tree it stands in, the top one not counted; of a directory, itself among them. */
  readonly depth: number
}

/** What a directory of the source has. */
export interface TreeEntry {
  readonly pair: Pair
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  /** Why it is left out, whatever it is. */
  readonly obstacle: string | undefined
}

/** One way of a tree: up or down. */
export interface TreeSteps {
  /** Makes the directory at the target where it is missing, and lists the source, of which nothing stays open. */
  enter(level: Level): Promise<readonly TreeEntry[]>
  file(pair: Pair): Promise<void>
  link(level: Level): Promise<void>
  /** Gives a directory its permissions and times. */
  preserve(level: Level): Promise<void>
  /** Where something is, at the source. */
  source(pair: Pair): string
}

interface Found {
  readonly directories: Level[]
  readonly links: Level[]
}

/** Transfers what is in a directory into another: files while the tree is walked, then links, then times. */
export async function transferTree(transfer: Transfer, top: Pair, steps: TreeSteps): Promise<void> {
  const found: Found = { directories: [], links: [] }
  const files = walk(transfer, steps, { ...top, depth: 0 }, found)
  await transfer.all(files, (file) => steps.file(file))
  for (const link of found.links) await transfer.again(() => steps.link(link))
  // The deepest first, and all after what is in them, which changes their times.
  if (transfer.settings.preserve)
    for (const directory of found.directories.toReversed()) await transfer.again(() => steps.preserve(directory))
}

/** Of an entry on either side. */
export function kindOf(entry: Pick<FileKind, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): TreeEntry['kind'] {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  return entry.isSymbolicLink() ? 'link' : 'other'
}

/** The files of one directory after the other. */
async function* walk(
  transfer: Transfer,
  steps: TreeSteps,
  level: Level,
  found: Found,
): AsyncGenerator<readonly Pair[], undefined> {
  found.directories.push(level)
  const files: Pair[] = []
  const below: Level[] = []
  for (const { pair, kind, obstacle } of await transfer.again(() => steps.enter(level))) {
    if (obstacle !== undefined) transfer.skip(steps.source(pair), obstacle)
    else if (kind === 'file') files.push(pair)
    else if (kind === 'directory') below.push(transfer.kept({ ...pair, depth: level.depth + 1 }))
    else if (kind === 'link') found.links.push(transfer.kept({ ...pair, depth: level.depth }))
    else transfer.skip(steps.source(pair), 'it is neither file, directory nor link')
  }
  yield files
  for (const directory of below) yield* walk(transfer, steps, directory, found)
}

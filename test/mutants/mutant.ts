import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

export const layers = ['transport', 'kex', 'liveness', 'connection', 'session'] as const
export type Layer = (typeof layers)[number]

/** One deliberate defect of the core: a patch with a header of `key: value` lines. */
export interface Mutant {
  /** `07-taken-one-byte-late` */
  readonly name: string
  readonly patch: string
  readonly title: string
  readonly layer: Layer
  readonly why: string
  /** `src alone`, where whoever wrote it had not seen the tests. */
  readonly writtenFrom: string
  /** Rows of the lab that may catch it when the simulator does not: numbers of the table of failures. */
  readonly rows: readonly number[]
}

/** The patches of a folder in the order of their names. @param names those that are wanted, or the beginnings of theirs */
export async function readMutants(folder: string, names: readonly string[] = []): Promise<Mutant[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.patch')).toSorted()
  const mutants = await Promise.all(
    files.map(async (file) => parseMutant(path.join(folder, file), await readFile(path.join(folder, file), 'utf8'))),
  )
  for (const name of names) {
    if (!mutants.some((mutant) => mutant.name.startsWith(name))) throw new Error(`no patch begins with ${name}`)
  }
  return mutants.filter((mutant) => names.length === 0 || names.some((name) => mutant.name.startsWith(name)))
}

/** @throws Error saying what is wrong with the patch */
export function parseMutant(patch: string, text: string): Mutant {
  const name = path.basename(patch, '.patch')
  const start = text.indexOf('diff --git ')
  if (start === -1) throw new Error(`${name}: holds no diff`)
  const fields = parseHeader(name, text.slice(0, start))
  const field = (key: string): string => {
    const value = fields.get(key)
    if (value === undefined) throw new Error(`${name}: its header lacks "${key}:"`)
    return value
  }
  const layer = layers.find((each) => each === field('layer'))
  if (layer === undefined) throw new Error(`${name}: ${field('layer')} is no layer: ${layers.join(', ')}`)
  checkFiles(name, text.slice(start), layer)
  return {
    name,
    patch,
    title: field('title'),
    layer,
    why: field('why it matters'),
    writtenFrom: field('written from'),
    rows: parseRows(name, fields.get('lab')),
  }
}

function parseHeader(name: string, header: string): Map<string, string> {
  const lines = header.split('\n').filter((line) => line.trim() !== '')
  return new Map(
    lines.map((line) => {
      const [, key, value] = /^([a-z ]+): (.+)$/.exec(line) ?? []
      if (key === undefined || value === undefined)
        throw new Error(`${name}: its header has no "key: value" in ${line}`)
      return [key, value.trim()]
    }),
  )
}

/** A defect of a layer is a change of that layer's code, and of nothing else. */
function checkFiles(name: string, diff: string, layer: Layer): void {
  for (const [, file = ''] of diff.matchAll(/^\+\+\+ b\/(.+)$/gm)) {
    if (!file.startsWith(`src/${layer}/`)) throw new Error(`${name}: changes ${file}, which is not in src/${layer}`)
  }
}

function parseRows(name: string, list: string | undefined): number[] {
  const rows = list === undefined ? [] : list.split(',').map(Number)
  if (rows.some((row) => !Number.isSafeInteger(row) || row < 1))
    throw new Error(`${name}: "lab: ${list}" names no rows`)
  return rows
}

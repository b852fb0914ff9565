import fs from 'node:fs'
import path from 'node:path'

/** One installed ssh2: a program may have several. */
export interface Copy {
  readonly folder: string
  readonly version: string
}

/** A file of ssh2 of which programs get Holdfast's client: `lib/client.js` is it, `lib/index.js` offers it. */
export interface Ssh2File {
  readonly copy: Copy
  readonly part: 'client' | 'index'
}

const parts = /[\\/]lib[\\/](client|index)\.js$/
const known = new Map<string, Copy | undefined>()

/** By what its package says it is: no folder's name tells, in a pnpm store or behind links. */
export function ssh2FileOf(filename: string): Ssh2File | undefined {
  const part = parts.exec(filename)?.[1]
  if (part === undefined) return undefined
  const copy = copyIn(path.dirname(path.dirname(filename)))
  return copy && { copy, part: part === 'client' ? 'client' : 'index' }
}

/** What Holdfast's client stands in for; the others have other methods and events. */
export function isServed(copy: Copy): boolean {
  return copy.version.startsWith('1.')
}

function copyIn(folder: string): Copy | undefined {
  if (!known.has(folder)) known.set(folder, readCopy(folder))
  return known.get(folder)
}

function readCopy(folder: string): Copy | undefined {
  try {
    const manifest: unknown = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'))
    if (typeof manifest !== 'object' || manifest === null || Reflect.get(manifest, 'name') !== 'ssh2') return undefined
    return { folder, version: String(Reflect.get(manifest, 'version')) }
  } catch {
    return undefined
  }
}

import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { isParsedKey, type ParsedKey } from './parsed-key.js'

/** What of the program's own ssh2 is used: what is not here, or what Holdfast does not have. */
export type Original = Readonly<Record<string, unknown>>

let given: Original | undefined
let found: Original | null | undefined

/** Whoever has the program's own ssh2 in hands says so here: it need not be looked for then. */
export function useOriginal(exports: Original): void {
  given = exports
}

/** The ssh2 that the program has installed; undefined where there is none, or where that is this drop-in itself. */
export function originalSsh2(): Original | undefined {
  if (given !== undefined) return given
  if (found === undefined) found = look()
  return found ?? undefined
}

/** @throws Error saying what to do, where there is no ssh2 */
export function fromOriginal(name: string): unknown {
  const original = originalSsh2()
  if (original !== undefined) return original[name]
  throw Object.assign(
    new Error(`holdfast/ssh2 has no ${name} of its own, and the package ssh2 is not installed: npm install ssh2`),
    { code: 'ERR_SSH_UNSUPPORTED' },
  )
}

/** A key as ssh2 itself reads it, also of kinds that only it does, PuTTY's say: it signs for itself. Undefined where there is no ssh2. */
export function parseForeignKey(data: unknown, passphrase?: unknown): ParsedKey | Error | undefined {
  const utils = originalSsh2()?.['utils']
  const parse: unknown = typeof utils === 'object' && utils !== null ? Reflect.get(utils, 'parseKey') : undefined
  if (typeof parse !== 'function') return undefined
  const key: unknown = Reflect.apply(parse, undefined, [data, passphrase])
  return isParsedKey(key) || key instanceof Error ? key : undefined
}

/** From where the program is, and from here. */
function look(): Original | null {
  for (const place of [programPlace(), import.meta.filename]) {
    const exports = required(place)
    if (exports !== undefined) return exports
  }
  return null
}

/** With one of these Node runs what is typed; what follows is no file of it. */
const typing: ReadonlySet<string> = new Set(['-e', '-p', '-pe', '--eval', '--print'])

/**
 * From where Node loads what the program requires. Never from the folder that it happens to be run in, which can be anybody's
 * and would get its keys; but for a program that is typed in, as Node does.
 */
function programPlace(): string {
  const program = process.argv[1]
  const isTyped = process.execArgv.some((option) => typing.has(option.split('=', 1)[0] ?? ''))
  if (program === undefined || isTyped) return path.join(process.cwd(), 'typed')
  try {
    // One step further down, since a folder, too, can be run: what is in it counts.
    return path.join(realpathSync(program), 'main')
  } catch {
    return program
  }
}

function required(from: string): Original | undefined {
  try {
    const exports: unknown = createRequire(path.resolve(from))('ssh2')
    return isOriginal(exports) ? exports : undefined
  } catch {
    return undefined
  }
}

/** An alias of that name may lead back here. */
function isOriginal(exports: unknown): exports is Original {
  return typeof exports === 'object' && exports !== null && 'Server' in exports && !('useOriginal' in exports)
}

import { resolvePty } from '../session/pty.js'

const endOfModes = Buffer.of(0)

/** Terminal modes (RFC 4254 section 8) as ssh2 takes them: by name, or encoded. Names that nobody knows are left out. */
export function terminalModes(given: unknown): Buffer {
  if (Buffer.isBuffer(given) && given.length > 0) return given
  if (Array.isArray(given) && given.length > 0) return Buffer.from(given.map(Number))
  return resolvePty({ modes: namedModes(given) })?.modes ?? endOfModes
}

/** Those that are given by their names, and known. */
export function namedModes(given: unknown): Readonly<Record<string, number>> {
  if (typeof given !== 'object' || given === null || Buffer.isBuffer(given) || Array.isArray(given)) return {}
  const modes: readonly (readonly [string, unknown])[] = Object.entries(given)
  return Object.fromEntries(
    modes.flatMap(([name, value]) => (isMode(name, value) ? [[name, value >>> 0] as const] : [])),
  )
}

function isMode(name: string, value: unknown): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  try {
    resolvePty({ modes: { [name]: value >>> 0 } })
    return true
  } catch {
    return false
  }
}

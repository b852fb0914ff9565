import { resolvePty } from '../session/pty.js'

const endOfModes = Buffer.of(0)

/** Terminal modes (RFC 4254 section 8) as ssh2 takes them: by name, or encoded. Names that nobody knows are left out. */
export function terminalModes(given: unknown): Buffer {
  if (Buffer.isBuffer(given) && given.length > 0) return given
  if (Array.isArray(given) && given.length > 0) return Buffer.from(given.map(Number))
  const modes = typeof given === 'object' && given !== null && !Buffer.isBuffer(given) ? Object.entries(given) : []
  return Buffer.concat([...modes.map(([name, value]) => terminalMode(name, value)), endOfModes])
}

function terminalMode(name: string, value: unknown): Buffer {
  if (typeof value !== 'number' || !Number.isFinite(value)) return Buffer.alloc(0)
  try {
    const request = resolvePty({ modes: { [name]: value >>> 0 } })
    return request?.modes.subarray(0, -endOfModes.length) ?? Buffer.alloc(0)
  } catch {
    return Buffer.alloc(0)
  }
}

import { decodeExitSignal, decodeExitStatus } from '../wire/session-messages.js'

/** What the server said of a command's end. */
export interface RemoteExit {
  readonly exitCode: number | null
  readonly signal: string | null
}

/** @returns undefined for a request that is about something else */
export function decodeExit(type: string, data: Buffer): RemoteExit | undefined {
  if (type === 'exit-status') return { exitCode: decodeExitStatus(data), signal: null }
  if (type === 'exit-signal') return { exitCode: null, signal: fullSignalName(decodeExitSignal(data)) }
  return undefined
}

/** A name with an @ is of somebody's own making (RFC 4254 section 6.10), and goes as it is. */
function fullSignalName(name: string): string {
  return name.includes('@') ? name : `SIG${name}`
}

/** The data of channel requests on a session: RFC 4254 section 6. Which request it is stands outside of it. */
import { Reader } from './reader.js'
import { putUint32, uint32At } from './uint32.js'
import { Writer } from './writer.js'

/** `env` (section 6.4). */
export function encodeEnv(name: string, value: string): Buffer {
  return new Writer().string(name).string(value).finish()
}

export function decodeEnv(data: Buffer): { readonly name: string; readonly value: string } {
  const reader = new Reader('env request', data)
  const name = reader.text('variable name')
  const value = reader.text('variable value')
  reader.end()
  return { name, value }
}

/** A terminal's size in characters. The size in pixels is not told: nobody uses it. */
export interface TerminalSize {
  /** Its width in characters. */
  readonly columns: number
  /** Its height in lines. */
  readonly rows: number
}

export interface PtyRequest extends TerminalSize {
  /** What TERM is to be. */
  readonly term: string
  /** Encoded as section 8 says. */
  readonly modes: Buffer
}

/** `pty-req` (section 6.2). */
export function encodePtyRequest({ term, columns, rows, modes }: PtyRequest): Buffer {
  return new Writer().string(term).uint32(columns).uint32(rows).uint32(0).uint32(0).string(modes).finish()
}

export function decodePtyRequest(data: Buffer): PtyRequest {
  const reader = new Reader('pty-req request', data)
  const term = reader.text('TERM')
  const size = readSize(reader)
  const modes = reader.string('encoded terminal modes')
  reader.end()
  return { term, ...size, modes }
}

/** `window-change` (section 6.7). */
export function encodeWindowChange({ columns, rows }: TerminalSize): Buffer {
  return new Writer().uint32(columns).uint32(rows).uint32(0).uint32(0).finish()
}

export function decodeWindowChange(data: Buffer): TerminalSize {
  const reader = new Reader('window-change request', data)
  const size = readSize(reader)
  reader.end()
  return size
}

function readSize(reader: Reader): TerminalSize {
  const columns = reader.uint32('width in characters')
  const rows = reader.uint32('height in rows')
  reader.uint32('width in pixels')
  reader.uint32('height in pixels')
  return { columns, rows }
}

/** `exec` and `subsystem` (section 6.5) carry one string. */
export function encodeStart(what: string): Buffer {
  const bytes = Buffer.byteLength(what)
  const data = Buffer.allocUnsafe(4 + bytes)
  putUint32(data, 0, bytes)
  data.write(what, 4)
  return data
}

export function decodeStart(type: 'exec' | 'subsystem', data: Buffer): string {
  const reader = new Reader(`${type} request`, data)
  const what = reader.text(type === 'exec' ? 'command' : 'subsystem name')
  reader.end()
  return what
}

/** `signal` (section 6.9): the name goes without its SIG. */
export function encodeSignal(name: string): Buffer {
  return new Writer().string(name).finish()
}

export function decodeSignal(data: Buffer): string {
  const reader = new Reader('signal request', data)
  const name = reader.name('signal name')
  reader.end()
  return name
}

/** `exit-status` (section 6.10). */
export function encodeExitStatus(code: number): Buffer {
  return new Writer().uint32(code).finish()
}

export function decodeExitStatus(data: Buffer): number {
  if (data.length === 4) return uint32At(data, 0)
  const reader = new Reader('exit-status request', data)
  const code = reader.uint32('exit_status')
  reader.end()
  return code
}

/** `exit-signal` (section 6.10): the name goes without its SIG. */
export function encodeExitSignal(name: string): Buffer {
  return new Writer().string(name).boolean(false).string('').string('').finish()
}

export function decodeExitSignal(data: Buffer): string {
  const reader = new Reader('exit-signal request', data)
  const name = reader.name('signal name')
  reader.boolean('core dumped')
  reader.text('error message')
  reader.text('language tag')
  reader.end()
  return name
}

import { printable } from '../wire/printable.js'
import { encodeStart } from '../wire/session-messages.js'

/** What a session is to run (RFC 4254 section 6.5). */
export type Program =
  | { readonly type: 'exec'; readonly command: string }
  | { readonly type: 'shell' }
  | { readonly type: 'subsystem'; readonly name: string }

/** What the caller asked for, as it is. */
export function commandText(program: Program): string {
  if (program.type === 'exec') return program.command
  return program.type === 'shell' ? '' : program.name
}

/** As a person would name it. */
export function describe(program: Program): string {
  if (program.type === 'exec') return printable(program.command, 60)
  return program.type === 'shell' ? 'a shell' : `the subsystem ${printable(program.name, 60)}`
}

/** What its request carries. */
export function startData(program: Program): Buffer {
  if (program.type === 'shell') return Buffer.alloc(0)
  return encodeStart(program.type === 'exec' ? program.command : program.name)
}

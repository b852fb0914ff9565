import { printable } from '../wire/printable.js'
import { encodeStart } from '../wire/session-messages.js'
import { optionError } from './option-error.js'
import { checkRequestSize } from './request-size.js'

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

/** @returns it. @throws HoldfastError ERR_SSH_OPTION */
export function checkCommand(command: unknown): string {
  return checkLine(command, 'command', 'exec')
}

/** @returns the name. @throws HoldfastError ERR_SSH_OPTION */
export function checkSubsystem(name: unknown): string {
  return checkLine(name, 'subsystem', 'subsystem')
}

/** Characters, each of three bytes at the most in UTF-8: so many fit into any packet, and need not be encoded to find out. */
const shortText = 8 * 1024

/** A command or name goes as it is, but for what no server could take. */
function checkLine(value: unknown, field: string, type: Program['type']): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0'))
    throw optionError(field, 'must be a string, not empty and without NUL')
  if (value.length > shortText) checkRequestSize(field, type, encodeStart(value), value)
  return value
}

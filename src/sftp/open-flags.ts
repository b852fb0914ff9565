import { optionError } from '../session/option-error.js'
import { printable } from '../wire/printable.js'
import { openFlag } from './numbers.js'

const { READ, WRITE, APPEND, CREAT, TRUNC, EXCL } = openFlag

/** The flags of `node:fs`, as far as SFTP has them. */
const flags = {
  r: READ,
  'r+': READ | WRITE,
  w: WRITE | CREAT | TRUNC,
  wx: WRITE | CREAT | TRUNC | EXCL,
  'w+': READ | WRITE | CREAT | TRUNC,
  'wx+': READ | WRITE | CREAT | TRUNC | EXCL,
  a: WRITE | CREAT | APPEND,
  ax: WRITE | CREAT | APPEND | EXCL,
  'a+': READ | WRITE | CREAT | APPEND,
  'ax+': READ | WRITE | CREAT | APPEND | EXCL,
} as const

/** How a file is opened, in the words of `node:fs`. */
export type OpenFlags = keyof typeof flags

/** @throws HoldfastError ERR_SSH_OPTION */
export function toOpenFlags(text: unknown): number {
  if (typeof text === 'string' && isFlags(text)) return flags[text]
  throw optionError(
    'flags',
    `'${printable(String(text), 40)}' is not known; known are ${Object.keys(flags).join(', ')}`,
  )
}

function isFlags(text: string): text is OpenFlags {
  return Object.hasOwn(flags, text)
}

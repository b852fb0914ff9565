import { encodePtyRequest, type PtyRequest, type TerminalSize } from '../wire/session-messages.js'
import { Writer } from '../wire/writer.js'
import { checkNames, optionError } from './option-error.js'
import { checkRequestSize } from './request-size.js'

/** RFC 4254 section 8, and IUTF8 of RFC 8160. */
const opcodes = {
  ...{ VINTR: 1, VQUIT: 2, VERASE: 3, VKILL: 4, VEOF: 5, VEOL: 6, VEOL2: 7, VSTART: 8, VSTOP: 9, VSUSP: 10 },
  ...{ VDSUSP: 11, VREPRINT: 12, VWERASE: 13, VLNEXT: 14, VFLUSH: 15, VSWTCH: 16, VSTATUS: 17, VDISCARD: 18 },
  ...{ IGNPAR: 30, PARMRK: 31, INPCK: 32, ISTRIP: 33, INLCR: 34, IGNCR: 35, ICRNL: 36, IUCLC: 37, IXON: 38 },
  ...{ IXANY: 39, IXOFF: 40, IMAXBEL: 41, IUTF8: 42 },
  ...{ ISIG: 50, ICANON: 51, XCASE: 52, ECHO: 53, ECHOE: 54, ECHOK: 55, ECHONL: 56, NOFLSH: 57, TOSTOP: 58 },
  ...{ IEXTEN: 59, ECHOCTL: 60, ECHOKE: 61, PENDIN: 62 },
  ...{ OPOST: 70, OLCUC: 71, ONLCR: 72, OCRNL: 73, ONOCR: 74, ONLRET: 75 },
  ...{ CS7: 90, CS8: 91, PARENB: 92, PARODD: 93, TTY_OP_ISPEED: 128, TTY_OP_OSPEED: 129 },
} as const

export type TerminalMode = keyof typeof opcodes

/** The pseudo-terminal that a command is to have. */
export interface PtyOptions {
  /** What TERM is to be. @default 'xterm-256color' */
  readonly term?: string | undefined
  /** Its width in characters. @default 80 */
  readonly columns?: number | undefined
  /** Its height in lines. @default 24 */
  readonly rows?: number | undefined
  /** Terminal modes by their names of RFC 4254 section 8: `{ ECHO: 0 }`. @default those of the server */
  readonly modes?: Readonly<Partial<Record<TerminalMode, number>>> | undefined
}

const fields = ['term', 'columns', 'rows', 'modes']
const endOfModes = 0

/** @throws HoldfastError ERR_SSH_OPTION naming the field */
export function resolvePty(option: boolean | PtyOptions): PtyRequest | undefined {
  if (option === false) return undefined
  if (option !== true) checkPty(option)
  const { term = 'xterm-256color', columns = 80, rows = 24, modes = {} } = option === true ? {} : option
  // sshd ends the whole connection at a NUL in a request.
  if (typeof term !== 'string' || term.includes('\0')) throw optionError('pty.term', 'must be a string without NUL')
  const size = { columns: cells(columns, 'pty.columns'), rows: cells(rows, 'pty.rows') }
  const request = { ...size, term, modes: encodeModes(modes) }
  checkRequestSize('pty.term', 'pty-req', encodePtyRequest(request), term)
  return request
}

/** `cols` of other clients would give a terminal of another size without a word. */
function checkPty(option: unknown): void {
  if (typeof option !== 'object') throw optionError('pty', 'must be true, false or an object')
  checkNames(option, fields, 'pty')
}

/**
 * dropbear takes the end of the input for that of the terminal, and hangs up what still runs (2022.83 and 2025.88, measured);
 * sshd tells a program with a terminal nothing of it.
 */
export function eofHangsUp(negotiated: { readonly peer: string } | undefined): boolean {
  return negotiated?.peer.startsWith('dropbear') ?? false
}

/** @throws HoldfastError ERR_SSH_OPTION naming the field */
export function resolveSize({ columns, rows }: TerminalSize): TerminalSize {
  return { columns: cells(columns, 'columns'), rows: cells(rows, 'rows') }
}

function encodeModes(modes: NonNullable<PtyOptions['modes']>): Buffer {
  const writer = new Writer()
  for (const [name, value] of Object.entries(modes)) {
    if (!isMode(name)) throw optionError(`pty.modes.${name}`, 'is no terminal mode of RFC 4254 section 8')
    writer.byte(opcodes[name]).uint32(wholeNumber(value, `pty.modes.${name}`))
  }
  return writer.byte(endOfModes).finish()
}

function isMode(name: string): name is TerminalMode {
  return Object.hasOwn(opcodes, name)
}

function cells(value: unknown, field: string): number {
  const number = wholeNumber(value, field)
  if (number === 0) throw optionError(field, 'must be at least 1')
  return number
}

function wholeNumber(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value
  throw optionError(field, 'must be a whole number, not negative and below 2^32')
}

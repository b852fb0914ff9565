import { HoldfastError } from '../errors.js'

/**
 * Milliseconds, or a number with its unit: `250ms`, `15s`, `2m`, `1h`.
 * There is no zero and no Infinity: where an option can be without a limit, it says so with `false`.
 */
export type Duration = number | string

const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/

/**
 * @param field the option's path, for the error: `keepalive.interval`
 * @returns milliseconds, at least 1
 * @throws HoldfastError ERR_SSH_OPTION naming the field
 */
export function parseDuration(value: unknown, field: string): number {
  const parsed = typeof value === 'string' ? parseText(value) : value
  if (typeof parsed === 'number' && parsed >= 1 && parsed < Number.POSITIVE_INFINITY) return parsed
  const wanted = "milliseconds from 1 on, or a number with a unit: '250ms', '15s', '2m', '1h'"
  throw new HoldfastError('ERR_SSH_OPTION', `${field}: ${shown(value)} is no duration; give ${wanted}`, {
    phase: 'options',
  })
}

function parseText(text: string): number | undefined {
  const [, digits, unit] = pattern.exec(text) ?? []
  return isUnit(unit) ? Number(digits) * milliseconds[unit] : undefined
}

function isUnit(text: string | undefined): text is keyof typeof milliseconds {
  return text !== undefined && Object.hasOwn(milliseconds, text)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  return typeof value === 'number' ? String(value) : `a value of type ${value === null ? 'null' : typeof value}`
}

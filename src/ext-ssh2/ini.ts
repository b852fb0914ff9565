import { wrongOption } from './wrong-option.js'

/** What `ini_set()` takes and a context's `ini` can say for one connection; all in seconds. */
export interface Ssh2Ini {
  /** How long DNS, TCP and the key exchange may take, each. PHP limits TCP alone. @default Holdfast's limits: 10 */
  readonly default_socket_timeout?: number | string
  /** How long a command may run: then it is ended, on the server too. PHP counts no waiting. 0: none. @default 0 */
  readonly max_execution_time?: number | string
  /** The keepalive's interval, as `ssh2_keepalive_config()` sets it. 0: off. PHP has nothing like it. @default 15 */
  readonly 'ssh2.keepalive'?: number | string
}

export type IniName = keyof Ssh2Ini

const names = ['default_socket_timeout', 'max_execution_time', 'ssh2.keepalive'] as const satisfies readonly IniName[]
const values = new Map<IniName, number>()

/**
 * Sets what holds for the connections that come from now on.
 * @returns what held before as text, empty for the default; false for a name that means nothing here
 */
export function ini_set(option: string, value: number | string): string | false {
  if (!isName(option)) return false
  const before = String(values.get(option) ?? '')
  const seconds = toSeconds(value)
  if (seconds === undefined) return false
  values.set(option, seconds)
  return before
}

/** Takes `ini_set()` back. */
export function ini_restore(option: string): void {
  if (isName(option)) values.delete(option)
}

/** What `ini_set()` has set, as text; empty for the default; false for a name that means nothing here. */
export function ini_get(option: string): string | false {
  return isName(option) ? String(values.get(option) ?? '') : false
}

/**
 * What holds for one connection, in seconds.
 * @throws HoldfastError ERR_SSH_OPTION for a value that is no number of seconds, or a name that means nothing here
 */
export function iniOf(own: unknown): ReadonlyMap<IniName, number> {
  if (typeof own !== 'object' || own === null) throw wrongOption(`ini must be an object, and is a ${typeof own}`)
  const held = new Map(values)
  for (const [name, value] of Object.entries(own)) {
    if (!isName(name)) throw wrongOption(`ini: ${name} means nothing here, only ${names.join(', ')}`)
    if (value === undefined) continue
    const seconds = toSeconds(value)
    if (seconds === undefined) throw wrongOption(`ini: ${name} must be a number of seconds`)
    held.set(name, seconds)
  }
  return held
}

function isName(name: string): name is IniName {
  return names.some((known) => known === name)
}

function toSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}

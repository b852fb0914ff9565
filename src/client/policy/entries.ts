import { printable } from '../../wire/printable.js'
import { isObject, type JsonNode, plainValue } from './json.js'
import { type OptionValue, WrongValue } from './kinds.js'
import { bindsNobody, isGroup, likePath, policyOption } from './options.js'

/** A value of an option, and who says so: `/etc/holdfast/policy.json:7`, `HOLDFAST_LIMITS_TIMEOUT`. */
export interface Entry {
  readonly value: OptionValue
  readonly source: string
}

/** By the option's path. */
export type Entries = ReadonlyMap<string, Entry>

export interface Problem {
  readonly line: number
  readonly text: string
}

/** Where options stand, and what becomes of a wrong one. */
export interface Place {
  readonly section: 'defaults' | 'enforced'
  /** What is written before an option's path where it is named: `enforced.`. */
  readonly prefix: string
  source(line: number): string
  wrong(problem: Problem): void
}

/** Reads groups of options, as `connect()` has them. What is wrong is told to the place, and is no entry. */
export function readEntries(node: JsonNode, place: Place): Entries {
  const entries = new Map<string, Entry>()
  for (const [group, part] of members(node, place.prefix === '' ? 'it' : place.prefix.slice(0, -1), place)) {
    if (!isGroup(group)) place.wrong(unknown(group, part, place))
    else if (group === 'keepalive' && part.value === false) {
      // As `connect()` has it: neither probes nor SO_KEEPALIVE.
      for (const path of ['keepalive.interval', 'keepalive.tcp']) readEntry(path, part, place, entries)
    } else {
      for (const [name, value] of members(part, place.prefix + group, place))
        readEntry(`${group}.${name}`, value, place, entries)
    }
  }
  return entries
}

/** What is not given says nothing: `{}` in its place. */
export function members(
  { line, value }: JsonNode,
  field: string,
  place: Pick<Place, 'wrong'>,
): Iterable<readonly [string, JsonNode]> {
  if (isObject(value)) return value
  place.wrong({ line, text: `${field} must be an object` })
  return []
}

function readEntry(path: string, node: JsonNode, place: Place, entries: Map<string, Entry>): void {
  const { line } = node
  const option = policyOption(path)
  if (option === undefined) {
    place.wrong(unknown(path, node, place))
    return
  }
  try {
    const value = option.kind.read(plainValue(node))
    if (place.section === 'enforced' && bindsNobody(option, value))
      throw new WrongValue('enforces nothing by that value: it is the loosest one')
    entries.set(path, { value, source: place.source(line) })
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error
    place.wrong({ line, text: `${place.prefix}${path} ${error.message}` })
  }
}

function unknown(path: string, { line }: JsonNode, { prefix }: Place): Problem {
  const shown = printable(path, 60)
  return { line, text: `${prefix}${shown} is no option that a policy can set${likePath(path)}` }
}

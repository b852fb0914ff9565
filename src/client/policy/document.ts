import { printable } from '../../wire/printable.js'
import { nearest } from '../nearest.js'
import { type Entries, members, type Place, type Problem, readEntries } from './entries.js'
import { policyError } from './file.js'
import { isArray, JsonError, type JsonNode, parseJson } from './json.js'

/** What a policy says of some hosts, or of all. */
export interface Rule {
  /** Undefined: all hosts. */
  readonly match: readonly string[] | undefined
  /** What a program may change. */
  readonly defaults: Entries
  /** What it may only tighten. */
  readonly enforced: Entries
}

/** A policy file: what it says of all hosts comes first. */
export interface PolicyDocument {
  readonly file: string
  readonly rules: readonly Rule[]
}

const rootNames = ['$schema', 'defaults', 'enforced', 'hosts']
const hostNames = ['match', 'defaults', 'enforced']
const maxProblems = 10

/**
 * Reads the text of a policy.
 * @throws HoldfastError ERR_SSH_POLICY naming the file, and of each field that is wrong its line; no value is shown
 */
export function parsePolicy(text: string, file: string): PolicyDocument {
  const problems: Problem[] = []
  const rules = readRules(parse(text, file), { file, wrong: (problem) => problems.push(problem) })
  if (problems.length > 0) throw policyError(`the policy ${tell(file, problems)}`)
  return { file, rules }
}

interface Reader {
  readonly file: string
  wrong(problem: Problem): void
}

function parse(text: string, file: string): JsonNode {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof JsonError) throw policyError(`the policy ${file}:${error.line} is no JSON: ${error.message}`)
    throw error
  }
}

function readRules(root: JsonNode, reader: Reader): readonly Rule[] {
  const parts = new Map(members(root, 'the policy', reader))
  refuseOthers(parts, '', rootNames, reader)
  const hosts = parts.get('hosts')
  const all = { match: undefined, ...readSections(parts, '', reader) }
  return [all, ...(hosts === undefined ? [] : readHosts(hosts, reader))]
}

function readHosts({ line, value }: JsonNode, reader: Reader): readonly Rule[] {
  if (isArray(value)) return value.map((node, index) => readHost(node, `hosts[${index}]`, reader))
  reader.wrong({ line, text: 'hosts must be a list of objects, each with match' })
  return []
}

function readHost(node: JsonNode, field: string, reader: Reader): Rule {
  const parts = new Map(members(node, field, reader))
  refuseOthers(parts, `${field}.`, hostNames, reader)
  const match = readMatch(parts.get('match') ?? node, parts.has('match'), `${field}.match`, reader)
  return { match, ...readSections(parts, `${field}.`, reader) }
}

function readSections(parts: ReadonlyMap<string, JsonNode>, prefix: string, reader: Reader): Omit<Rule, 'match'> {
  const read = (section: 'defaults' | 'enforced'): Entries => {
    const node = parts.get(section)
    const place: Place = {
      section,
      prefix: `${prefix}${section}.`,
      source: (line) => `${reader.file}:${line}`,
      wrong: (problem) => reader.wrong(problem),
    }
    return node === undefined ? new Map() : readEntries(node, place)
  }
  return { defaults: read('defaults'), enforced: read('enforced') }
}

/** A rule whose pattern is missing or empty would bind nobody. */
function readMatch({ line, value }: JsonNode, isGiven: boolean, field: string, reader: Reader): readonly string[] {
  const items = isArray(value) ? value.map((item) => item.value) : [value]
  const patterns = isGiven ? items.filter((item) => typeof item === 'string') : []
  const wrong = (text: string): readonly string[] => {
    reader.wrong({ line, text: `${field} ${text}` })
    return []
  }
  if (patterns.length === 0 || patterns.length < items.length) return wrong('must be a pattern, or a list of patterns')
  if (patterns.some((pattern) => !/^!?[^\s\p{Cc},!]+$/u.test(pattern)))
    return wrong('has a pattern that is no host name: * and ? stand for characters, ! before it excludes, no commas')
  if (patterns.every((pattern) => pattern.startsWith('!'))) return wrong("only excludes: begin the list with '*'")
  return patterns
}

function refuseOthers(
  parts: ReadonlyMap<string, JsonNode>,
  prefix: string,
  known: readonly string[],
  reader: Reader,
): void {
  for (const [name, { line }] of parts) {
    if (known.includes(name)) continue
    const hint =
      name === 'onError' ? '; a policy that cannot be applied is always an error' : nearest(name.slice(0, 60), known)
    reader.wrong({ line, text: `there is no ${prefix}${printable(name, 60)} in a policy${hint}` })
  }
}

function tell(file: string, problems: readonly Problem[]): string {
  const shown = problems.slice(0, maxProblems).map(({ line, text }) => `${file}:${line}: ${text}`)
  const others = problems.length - shown.length
  return shown.join('; ') + (others === 0 ? '' : `; and ${others} more`)
}

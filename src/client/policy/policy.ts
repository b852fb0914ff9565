import { join } from 'node:path'
import process from 'node:process'
import { type PolicyDocument, parsePolicy, type Rule } from './document.js'
import type { Entries, Entry } from './entries.js'
import { furtherPolicyFile, readEnvironment, type Variables } from './environment.js'
import { policyError, readPolicyFile } from './file.js'
import { matchesHost } from './host-names.js'
import { isList, type PolicyOption, policyOption, tightest } from './options.js'

/** What an administrator says of the connections of this process: of one host in `HostPolicy`. */
export interface Policy {
  /** In the order in which they were read. */
  readonly documents: readonly PolicyDocument[]
  readonly environment: Entries
}

/** What a policy says of one host. */
export interface HostPolicy {
  readonly files: readonly string[]
  readonly defaults: Entries
  readonly environment: Entries
  readonly enforced: Entries
}

/** What was asked for, by the paths of options: of no other option than a policy can set, since secrets are among the others. */
export type AskedValues = ReadonlyMap<string, unknown>

/** The policy of a host, and the options that a connection to it was asked for with. */
export interface AppliedPolicy extends HostPolicy {
  /** What `setDefaults()` has set. */
  readonly process: Entries
  /** With what ssh_config says. */
  readonly asked: AskedValues
  /** As the program gave them. */
  readonly given: AskedValues
  /** What became of them. */
  readonly held: AskedValues
}

const windows = process.platform === 'win32'

/** Where a policy for all programs of this machine stands. */
export const defaultPolicyFile = windows
  ? join(process.env['ProgramData'] ?? 'C:\\ProgramData', 'holdfast', 'policy.json')
  : '/etc/holdfast/policy.json'

let loaded: Policy | undefined

/**
 * The policy of this process. Read when it is first asked for, and not again: what holds for one connection holds for all.
 * After an error it is read anew, so that a mended file needs no restart.
 * @throws HoldfastError ERR_SSH_POLICY
 */
export function processPolicy(): Policy {
  return (loaded ??= loadPolicy(process.env))
}

/** @throws HoldfastError ERR_SSH_POLICY */
export function loadPolicy(variables: Variables, systemFile = defaultPolicyFile): Policy {
  const environment = readEnvironment(variables)
  const further = furtherPolicyFile(variables)
  const system = readDocument(systemFile)
  if (further === undefined || further === systemFile) return { documents: system, environment }
  const own = readDocument(further)
  if (own.length === 0) throw policyError(`HOLDFAST_POLICY names ${further}, which is not there`)
  return { documents: [...system, ...own], environment }
}

function readDocument(file: string): readonly PolicyDocument[] {
  const text = readPolicyFile(file)
  return text === undefined ? [] : [parsePolicy(text, file)]
}

/**
 * What holds for a host by any of these names.
 * @throws HoldfastError ERR_SSH_POLICY where two rules leave nothing between them
 */
export function hostPolicy({ documents, environment }: Policy, names: readonly string[]): HostPolicy {
  const defaults = new Map<string, Entry>()
  const enforced = new Map<string, Entry>()
  for (const { rules } of documents) {
    const ours = rules.filter(({ match }) => match === undefined || matchesHost(names, match))
    for (const rule of ours) for (const [path, entry] of rule.defaults) defaults.set(path, entry)
    for (const [path, entry] of enforcedBy(ours)) enforced.set(path, both(path, enforced.get(path), entry, 'first'))
  }
  return { files: documents.map(({ file }) => file), defaults, environment, enforced }
}

/** By one file: where there is no tighter one, what it says of some hosts counts before what it says of all. */
function enforcedBy(rules: readonly Rule[]): Entries {
  const enforced = new Map<string, Entry>()
  for (const rule of rules)
    for (const [path, entry] of rule.enforced) enforced.set(path, both(path, enforced.get(path), entry, 'second'))
  return enforced
}

/** @param whereFixed which of the two holds where neither is tighter */
function both(path: string, first: Entry | undefined, second: Entry, whereFixed: 'first' | 'second'): Entry {
  const option = policyOption(path)
  if (first === undefined || option === undefined) return second
  if (option.tighter === 'fixed') return whereFixed === 'first' ? first : second
  const value = tightest(option, second.value, first.value)
  if (isList(value)) return common(option, value, first, second)
  return value === first.value ? first : second
}

function common({ path }: PolicyOption, value: readonly string[], first: Entry, second: Entry): Entry {
  const source = `${first.source}, ${second.source}`
  if (value.length > 0) return { value, source }
  throw policyError(`the policies leave nothing for ${path}: its lists have nothing in common (${source})`)
}

import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import process from 'node:process'
import { isMainThread, threadId } from 'node:worker_threads'
import type { Copy } from './copies.cjs'

interface Entry {
  readonly copy: Copy
  readonly fate: string
  readonly users: Set<string>
}

/** What holds for an option, and who says so: one of `stats().policy.options`. */
interface OptionInForce {
  readonly value: unknown
  readonly from: string
  readonly source?: string
  readonly bound?: { readonly value: unknown; readonly source: string }
}

/** What Holdfast publishes on `holdfast:policy` of each connection. */
interface PolicyMessage {
  readonly host: string
  readonly files: readonly string[]
  readonly options: Readonly<Record<string, OptionInForce>>
}

/** What HOLDFAST_REGISTER=report prints. */
export class Report {
  readonly #entries = new Map<string, Entry>()
  /** By what holds for them, the hosts of connections. */
  readonly #hosts = new Map<string, Set<string>>()
  #printed = ''

  constructor() {
    process.on('exit', () => this.#print())
  }

  seen(copy: Copy, fate: string): void {
    if (!this.#entries.has(copy.folder)) this.#entries.set(copy.folder, { copy, fate, users: new Set() })
  }

  usedBy(copy: Copy, user: string): void {
    this.#entries.get(copy.folder)?.users.add(user)
  }

  /**
   * Says of each host what a policy has to do with it. At once where that is new: of what runs until it is killed, PM2's
   * programs and services among it, nobody would ever hear.
   */
  followConnections(): void {
    subscribe('holdfast:policy', (message) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody else publishes there
      const policy = message as PolicyMessage
      const decisions = decisionsOf(policy)
      const hosts = this.#hosts.get(decisions)
      if (hosts !== undefined) {
        hosts.add(policy.host)
        return
      }
      this.#hosts.set(decisions, new Set([policy.host]))
      this.#print()
    })
  }

  #print(): void {
    const text = this.#text()
    if (text === this.#printed) return
    this.#printed = text
    try {
      // Of a worker, process.stderr would hand it to a thread that may be gone by then.
      fs.writeSync(2, text)
    } catch {
      // Nobody reads it any more.
    }
  }

  #text(): string {
    const thread = isMainThread ? '' : `, worker ${threadId}`
    const head = `holdfast/register: process ${process.pid}${thread}, Node ${process.versions.node}, ${process.argv[1] ?? 'no program'}`
    const entries = [...this.#entries.values()].flatMap(({ copy, fate, users }) => [
      `  ssh2 ${copy.version} in ${copy.folder} ${fate}`,
      ...[...users].map((user) => `    for ${user}`),
    ])
    const lines = entries.length > 0 ? entries : ['  no ssh2 was loaded']
    const hosts = [...this.#hosts].map(([decisions, names]) => `  connects to ${[...names].join(', ')}: ${decisions}`)
    return [head, ...lines, ...hosts].map((line) => `${line}\n`).join('')
  }
}

function decisionsOf({ files, options }: PolicyMessage): string {
  const read = files.length === 0 ? 'no policy file' : `policy of ${files.join(', ')}`
  const decided = Object.entries(options).filter(
    ([, { from, bound }]) => bound !== undefined || (from !== 'built-in' && from !== 'call'),
  )
  return [
    read,
    ...decided.map(([path, option]) => `    ${path} = ${JSON.stringify(option.value)}: ${saidBy(option)}`),
  ].join('\n')
}

function saidBy({ from, source, bound }: OptionInForce): string {
  const said = source === undefined ? from : `${from} (${source})`
  if (bound === undefined || from === 'enforced') return said
  return `${said}, bound by ${bound.source} to ${JSON.stringify(bound.value)}`
}

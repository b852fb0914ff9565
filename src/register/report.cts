import fs from 'node:fs'
import process from 'node:process'
import { isMainThread, threadId } from 'node:worker_threads'
import type { Copy } from './copies.cjs'

interface Entry {
  readonly copy: Copy
  readonly fate: string
  readonly users: Set<string>
}

/** What HOLDFAST_REGISTER=report prints when the process ends. */
export class Report {
  readonly #entries = new Map<string, Entry>()

  constructor() {
    process.on('exit', () => this.#print())
  }

  seen(copy: Copy, fate: string): void {
    if (!this.#entries.has(copy.folder)) this.#entries.set(copy.folder, { copy, fate, users: new Set() })
  }

  usedBy(copy: Copy, user: string): void {
    this.#entries.get(copy.folder)?.users.add(user)
  }

  #print(): void {
    try {
      // Of a worker, process.stderr would hand it to a thread that may be gone by then.
      fs.writeSync(2, this.#text())
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
    return [head, ...lines].map((line) => `${line}\n`).join('')
  }
}

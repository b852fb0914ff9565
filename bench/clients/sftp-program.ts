import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Files, SmallFiles } from './client.js'

interface Account {
  watch(pid: number): void
  forget(pid: number): void
}

/** One sftp(1) that is told what to do line by line, as a person would, so that its start is in no measurement. */
export class SftpProgram implements Files {
  readonly #program: ChildProcessByStdio<Writable, Readable, null>
  readonly #account: Account
  #said = ''
  #count = 0
  /** What it says last. */
  #mark = ''
  #waiter: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined

  static async start(args: readonly string[], account: Account): Promise<SftpProgram> {
    const program = spawn('sftp', ['-q', '-b', '-', ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    const sftp = new SftpProgram(program, account)
    await sftp.#does('pwd')
    return sftp
  }

  private constructor(program: ChildProcessByStdio<Writable, Readable, null>, account: Account) {
    this.#program = program
    this.#account = account
    account.watch(program.pid ?? 0)
    program.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    program.on('close', () => this.#ended())
    // One that has ended is told of by its exit code.
    program.stdin.on('error', () => {})
  }

  get(remote: string, local: string): Promise<void> {
    return this.#does(`get ${remote} ${local}`)
  }

  put(local: string, remote: string): Promise<void> {
    return this.#does(`put ${local} ${remote}`)
  }

  getTree(remote: string, local: string): Promise<void> {
    return this.#does(`get -r ${remote} ${local}`)
  }

  putTree(local: string, remote: string): Promise<void> {
    return this.#does(`put -r ${local} ${remote}`)
  }

  async getEach({ local, remote, names }: SmallFiles, atOnce: number): Promise<boolean> {
    if (atOnce > 1) return false
    await this.#does(...names.map((name) => `get ${join(remote, name)} ${join(local, name)}`))
    return true
  }

  async putEach({ local, remote, names }: SmallFiles, atOnce: number): Promise<boolean> {
    if (atOnce > 1) return false
    await this.#does(...names.map((name) => `put ${join(local, name)} ${join(remote, name)}`))
    return true
  }

  async close(): Promise<void> {
    this.#account.forget(this.#program.pid ?? 0)
    const closed = once(this.#program, 'close')
    this.#program.stdin.end()
    await closed
  }

  /** A batch ends at the first command that fails. */
  async #does(...lines: readonly string[]): Promise<void> {
    this.#mark = `done-${++this.#count}`
    this.#said = ''
    const done = new Promise<void>((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
    this.#program.stdin.write([...lines, `!echo ${this.#mark}`, ''].join('\n'))
    await done
  }

  /** It repeats each command before it does it: the mark alone on its line is the answer. */
  #hear(text: string): void {
    this.#said += text
    if (this.#said.endsWith(`\n${this.#mark}\n`)) this.#waiter?.resolve()
  }

  #ended(): void {
    this.#waiter?.reject(new Error(`sftp: exit code ${this.#program.exitCode}\n${this.#said}`))
  }
}

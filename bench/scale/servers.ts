/** Embedded servers in processes of their own: sshd has a process for each connection, and its memory ends first. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./server-program.js', import.meta.url))

export interface Servers extends AsyncDisposable {
  readonly ports: readonly number[]
  /** From now on they say nothing, and their kernel acknowledges all the same. */
  freeze(): void
}

export async function startServers(count: number): Promise<Servers> {
  const children = Array.from({ length: count }, () => fork(program))
  const ports = await Promise.all(children.map(portOf))
  return {
    ports,
    freeze() {
      for (const child of children) child.kill('SIGSTOP')
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(stop))
    },
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  const said = once(child, 'message').then(([port]: readonly unknown[]) => port)
  const ended = once(child, 'exit').then(([code]) => `a server ended with ${String(code)}`)
  const port = await Promise.race([said, ended])
  if (typeof port !== 'number') throw new Error(String(port))
  return port
}

/** SIGKILL also ends a process that is stopped. */
async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

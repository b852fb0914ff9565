/** A Holdfast client in a process of its own: its event loop can be blocked without ours. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { KeepaliveOption } from 'holdfast'
import type { SshdServer } from '../../servers/sshd.js'
import type { ClientLine, ClientLogin, ClientStep } from './fixtures/client.js'

const program = fileURLToPath(new URL('./fixtures/client.js', import.meta.url))

interface End {
  readonly line: Exclude<ClientLine, { event: 'running' }>
  readonly at: number
}

export interface MatrixClient {
  /** Resolves once the command runs. */
  readonly running: Promise<void>
  /** The first thing that happened after that, and when, of performance.now(). */
  readonly end: Promise<End>
  do(step: ClientStep): void
  stop(): Promise<void>
}

export function startClient(server: SshdServer, keepalive: KeepaliveOption, command: string): MatrixClient {
  const { host, port, username } = server
  const login: ClientLogin = { host, port, username, key: server.clientKeys.ed25519.privateKey, keepalive, command }
  const child = spawn(process.execPath, [program, JSON.stringify(login)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  child.stdin.on('error', () => {})
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const running = untilRunning(lines)
  const end = firstEnd(running, lines)
  // Whoever stops watching before the end does not care how it comes.
  end.catch(() => {})
  return {
    running,
    end,
    do: (step) => void child.stdin.write(`${JSON.stringify(step)}\n`),
    async stop() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

async function untilRunning(lines: AsyncIterator<string>): Promise<void> {
  const line = await nextLine(lines)
  if (line.event !== 'running') throw new Error(`a client could not log in: ${JSON.stringify(line)}`)
}

async function firstEnd(running: Promise<void>, lines: AsyncIterator<string>): Promise<End> {
  await running
  const line = await nextLine(lines)
  if (line.event === 'running') throw new Error('a client told twice that its command runs')
  return { line, at: performance.now() }
}

async function nextLine(lines: AsyncIterator<string>): Promise<ClientLine> {
  const next = await lines.next()
  if (next.done === true) throw new Error('a client ended before its time')
  return JSON.parse(next.value) as ClientLine
}

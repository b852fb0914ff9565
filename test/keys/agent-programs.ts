/** Agents for tests: OpenSSH's own, and servers that behave as they are told. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { temporaryDirectory } from './openssh-tools.js'

/** Starts `ssh-agent` in the foreground, and ends it with the test. Returns the path of its socket. */
export async function startSshAgent(context: TestContext): Promise<string> {
  const path = join(temporaryDirectory(context), 'agent')
  const child = spawn('ssh-agent', ['-D', '-a', path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  context.after(async () => {
    child.kill()
    await ended
  })
  // It prints where it listens once it does.
  await once(child.stdout, 'data')
  child.stdout.resume()
  return path
}

/** A server at a socket path, whose every connection is handed to `behave`. It and they end with the test. */
export async function scriptedAgent(context: TestContext, behave: (socket: Socket) => void): Promise<string> {
  const path =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\holdfast-${process.pid}-${process.hrtime.bigint()}`
      : join(temporaryDirectory(context), 'agent')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    behave(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  context.after(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return path
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import type { TestContext } from 'node:test'

/** Accepts nothing: this process is stopped, so that its queue of connections fills. */
const listener = `require('node:net').createServer().listen({ host: process.argv[1], port: 0, backlog: 1 }, function () {
  console.log(this.address().port)
})`

/**
 * A port that answers no SYN: a stopped listener whose queue is full (the kernel of Linux drops what comes then).
 * It and what fills it are gone at the test's end.
 */
export async function blackhole(t: TestContext, host: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', listener, host], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>((resolve) => {
    child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())))
  })
  child.kill('SIGSTOP')
  const fillers = Array.from({ length: 8 }, () => net.connect(port, host).on('error', () => {}))
  t.after(async () => {
    for (const socket of fillers) socket.destroy()
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  await untilFull(port, host, fillers)
  return port
}

async function untilFull(port: number, host: string, fillers: net.Socket[]): Promise<void> {
  for (;;) {
    const socket = net.connect(port, host).on('error', () => {})
    fillers.push(socket)
    const connected = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 200)),
    ])
    if (!connected) return
  }
}

/** Why no blackhole can be made here, or false. */
export const noBlackhole = process.platform === 'linux' ? false : 'a full queue drops connections on Linux only'

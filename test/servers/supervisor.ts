/**
 * Runs as a process of its own between a test and its server. When the test is done, or dies however it dies, the pipe
 * to our standard input ends, and we end the server with everything that it started and remove its directory.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { processTree, signalIfAlive } from './process-tree.js'

/** `directory` is removed in the end. The server's pid goes to standard output, or why there is none. */
function main([directory = '', logFile = '', marker = '', command = '', ...args]: readonly string[]): void {
  // A file, since a pipe that a busy or dead test does not read would in the end block the server.
  const log = openSync(logFile, 'a', 0o644)
  const server = spawn(command, args, { stdio: ['ignore', log, log] })
  server.on('error', (error) => process.stdout.write(`${error.message}\n`))
  server.on('spawn', () => process.stdout.write(`${server.pid}\n`))
  process.stdout.on('error', () => {})
  process.stdin.on('error', () => {})
  process.stdin.on('close', () => void cleanUp(directory, server, marker))
  process.stdin.resume()
}

async function cleanUp(directory: string, server: ChildProcess, marker: string): Promise<void> {
  if (server.pid !== undefined) await killTree(server.pid, marker, server.spawnfile === 'nsenter')
  await untilEnded(server)
  await rm(directory, { recursive: true, force: true })
}

/**
 * First stops everything, so that nothing can start more while we look, then kills it. An nsenter(1) shall live until it
 * has reaped its child, without which the child's pid namespace cannot end.
 */
async function killTree(root: number, marker: string, spareRoot: boolean): Promise<void> {
  const stopped = new Set<number>()
  const spared = spareRoot ? root : undefined
  for (;;) {
    const fresh = (await processTree(root, marker)).filter(({ pid }) => pid !== spared && !stopped.has(pid))
    if (fresh.length === 0) break
    for (const { pid } of fresh) {
      signalIfAlive(pid, 'SIGSTOP')
      stopped.add(pid)
    }
  }
  for (const pid of stopped) signalIfAlive(pid, 'SIGKILL')
}

/** nsenter(1) stops when its child is stopped, maybe only now that we have seen to it. */
async function untilEnded(server: ChildProcess): Promise<void> {
  while (server.pid !== undefined && server.exitCode === null && server.signalCode === null) {
    signalIfAlive(server.pid, 'SIGCONT')
    await sleep(5)
  }
}

main(process.argv.slice(2))

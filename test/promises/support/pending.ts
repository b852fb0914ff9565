import { setTimeout as pause } from 'node:timers/promises'
import type { Client, Command } from 'holdfast'

/** One of each kind of thing that waits for the peer. */
export function pendingOn(ssh: Client, command: Command): readonly Promise<unknown>[] {
  return [
    command.exited,
    written(command, Buffer.alloc(8_000_000)),
    ssh.exec('cat', { stdin: neverEnding() }),
    ssh.exec('sleep 3000', { timeout: '20s', idleTimeout: '20s' }),
    ssh.shell().then(({ exited }) => exited),
  ]
}

/** Resolves once the bytes were sent. */
export async function written({ stdin }: Command, data: Buffer): Promise<void> {
  const error = await new Promise((resolve) => stdin.write(data, resolve))
  if (error instanceof Error) throw error
}

async function* neverEnding(): AsyncGenerator<string> {
  yield 'first'
  await pause(100_000, undefined, { ref: false })
}

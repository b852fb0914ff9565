import { setTimeout as sleep } from 'node:timers/promises'
import type { ReferenceServer, ServerProcess } from './reference-server.js'

/** Waits until a command whose arguments are exactly `command` runs on the server. The test's own timeout is the limit. */
export async function untilCommandRuns(server: ReferenceServer, command: string): Promise<ServerProcess> {
  for (;;) {
    const [found] = await runningCommands(server, command)
    if (found !== undefined) return found
    await sleep(10)
  }
}

/** Waits until no such command runs on the server any more. */
export async function untilCommandIsGone(server: ReferenceServer, command: string): Promise<void> {
  while ((await runningCommands(server, command)).length > 0) await sleep(10)
}

async function runningCommands(server: ReferenceServer, command: string): Promise<readonly ServerProcess[]> {
  return (await server.processes()).filter((info) => info.role === 'command' && info.command === command)
}

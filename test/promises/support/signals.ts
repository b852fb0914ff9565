import type { ReferenceServer } from '../../servers/reference-server.js'

/** Signals the processes that serve connections, not the one that listens. */
export async function signalConnections(server: ReferenceServer, signal: NodeJS.Signals): Promise<void> {
  const serving = (await server.processes()).filter(({ role }) => role === 'connection')
  if (serving.length === 0) throw new Error('no process serves a connection')
  for (const { pid } of serving) process.kill(pid, signal)
}

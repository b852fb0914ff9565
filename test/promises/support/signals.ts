import { childrenOf, signalIfAlive } from '../../servers/process-tree.js'
import { isDaemon, type ReferenceServer } from '../../servers/reference-server.js'

/**
 * Signals the processes that serve connections, not the one that listens: all of them, however young the connection is.
 *
 * sshd forks once more after the login, when the client is there already, and what was made after a list of processes was
 * read serves on. What is stopped makes none: so they are stopped first, and the children of each are read only then. That
 * also makes one instant of it for the client, which would otherwise be served by some while others are killed.
 */
export async function signalConnections(server: ReferenceServer, signal: 'SIGSTOP' | 'SIGKILL'): Promise<void> {
  const known = (await server.processes()).filter(({ role }) => role === 'connection')
  if (known.length === 0) throw new Error('no process serves a connection')
  const stopped = new Set(known.map(({ pid }) => pid))
  // A child that is added here is come to in this same loop.
  for (const pid of stopped) {
    signalIfAlive(pid, 'SIGSTOP')
    for (const child of childrenOf(pid).filter(isDaemon)) stopped.add(child.pid)
  }
  if (signal === 'SIGKILL') for (const pid of stopped) signalIfAlive(pid, signal)
}

import { join } from 'node:path'
import { run } from './run.js'
import { makeWorkplace, type Supervised, supervise } from './supervise.js'

export interface Agent extends Supervised {
  /** For `SSH_AUTH_SOCK`. */
  readonly socket: string
  /** Adds a key by the path of its private key, and the certificate beside it. `options` are those of ssh-add(1): `-c`, `-t 60`. */
  add(privateKey: string, ...options: readonly string[]): Promise<void>
}

/**
 * Starts an ssh-agent that holds these keys. Needs no root; `installTools(['ssh-agent', 'ssh-add'])` brings the programs.
 * @param env of the agent, such as SSH_ASKPASS for keys that are to be confirmed
 */
export async function startAgent(
  privateKeys: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Agent> {
  const workplace = await makeWorkplace()
  const socket = join(workplace.directory, 'agent.sock')
  const program = { command: 'ssh-agent', args: ['-D', '-a', socket], env }
  const supervised = await supervise(workplace, program, (_, log) => log().includes('SSH_AUTH_SOCK='))
  const add = async (privateKey: string, ...options: readonly string[]): Promise<void> => {
    await run('ssh-add', ['-q', ...options, privateKey], { env: { SSH_AUTH_SOCK: socket } })
  }
  for (const key of privateKeys) await add(key)
  return { ...supervised, socket, add }
}

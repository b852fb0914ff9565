import type { KeyType } from './keys.js'
import type { ReferenceServer } from './reference-server.js'

export interface SshCommand {
  readonly command: string
  readonly username?: string
  readonly key?: KeyType
}

/** Arguments with which the machine's own ssh(1) runs a command on a server, whatever the configuration of who runs it. */
export function sshArguments(server: ReferenceServer, options: SshCommand): readonly string[] {
  const key = server.clientKeys[options.key ?? 'ed25519']
  const settings = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
  }
  return [
    ...['-F', 'none', '-n', '-i', key.privateKey, '-p', String(server.port)],
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    `${options.username ?? server.username}@${server.host}`,
    options.command,
  ]
}

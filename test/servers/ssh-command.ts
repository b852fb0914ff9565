import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyType } from './keys.js'
import type { ReferenceServer } from './reference-server.js'
import { type RunResult, run } from './run.js'

export interface SshCommand {
  readonly command: string
  readonly username?: string
  readonly key?: KeyType
}

/** Arguments with which the machine's own ssh(1) runs a command on a server, whatever the configuration of who runs it. */
export function sshArguments(server: ReferenceServer, options: SshCommand): readonly string[] {
  const key = server.clientKeys[options.key ?? 'ed25519']
  const settings = { BatchMode: 'yes', IdentitiesOnly: 'yes', IdentityAgent: 'none' }
  return ['-i', key.privateKey, ...commonArguments(server, settings, options)]
}

/** Runs a command by ssh(1), which gives the password to whatever it is asked. */
export async function sshWithPassword(server: ReferenceServer, password: string, command: string): Promise<RunResult> {
  const askPass = join(server.directory, 'askpass')
  await writeFile(askPass, '#!/bin/sh\nprintf "%s\\n" "$ANSWER"\n', { mode: 0o700 })
  const settings = { PubkeyAuthentication: 'no', NumberOfPasswordPrompts: '1' }
  return run('ssh', commonArguments(server, settings, { command }), {
    env: { SSH_ASKPASS: askPass, SSH_ASKPASS_REQUIRE: 'force', ANSWER: password },
  })
}

function commonArguments(
  server: ReferenceServer,
  settings: Readonly<Record<string, string>>,
  options: Pick<SshCommand, 'command' | 'username'>,
): readonly string[] {
  const all = { StrictHostKeyChecking: 'no', UserKnownHostsFile: '/dev/null', ...settings }
  return [
    ...['-F', 'none', '-p', String(server.port)],
    ...Object.entries(all).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    `${options.username ?? server.username}@${server.host}`,
    options.command,
  ]
}

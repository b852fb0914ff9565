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
  return [...sshOptions(server, options.key), ...destination(server, options)]
}

/** The same, without the destination and the command. */
export function sshOptions(server: ReferenceServer, key: KeyType = 'ed25519'): readonly string[] {
  const settings = { BatchMode: 'yes', IdentitiesOnly: 'yes', IdentityAgent: 'none' }
  return ['-i', server.clientKeys[key].privateKey, ...commonOptions(server, settings)]
}

/** Runs a command by ssh(1), which gives the password to whatever it is asked. */
export async function sshWithPassword(server: ReferenceServer, password: string, command: string): Promise<RunResult> {
  const askPass = join(server.directory, 'askpass')
  await writeFile(askPass, '#!/bin/sh\nprintf "%s\\n" "$ANSWER"\n', { mode: 0o700 })
  const settings = { PubkeyAuthentication: 'no', NumberOfPasswordPrompts: '1' }
  return run('ssh', [...commonOptions(server, settings), ...destination(server, { command })], {
    env: { SSH_ASKPASS: askPass, SSH_ASKPASS_REQUIRE: 'force', ANSWER: password },
  })
}

function commonOptions(server: ReferenceServer, settings: Readonly<Record<string, string>>): readonly string[] {
  const all = { StrictHostKeyChecking: 'no', UserKnownHostsFile: '/dev/null', ...settings }
  return [
    ...['-F', 'none', '-p', String(server.port)],
    ...Object.entries(all).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ]
}

function destination(
  server: ReferenceServer,
  { username = server.username, command }: Pick<SshCommand, 'username' | 'command'>,
): readonly string[] {
  return [`${username}@${server.host}`, command]
}

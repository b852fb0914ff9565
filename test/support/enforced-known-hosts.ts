import path from 'node:path'
import type { TestServer } from 'holdfast/testing'
import { writePolicy } from './policy.js'

/** The files of known hosts that a policy enforces: for `localhost` alone, and for `127.0.0.1` with how strict to be. */
export interface EnforcedFiles {
  readonly alone: string
  readonly withPolicy: string
}

/** Writes the policy of this process, before its first connection. */
export function enforceKnownHosts(): EnforcedFiles {
  const { folder } = writePolicy((at) => ({
    hosts: [
      { match: 'localhost', enforced: { hostKey: { knownHosts: [filesIn(at).alone] } } },
      { match: '127.0.0.1', enforced: { hostKey: { knownHosts: [filesIn(at).withPolicy], policy: 'accept-new' } } },
    ],
  }))
  return filesIn(folder)
}

function filesIn(folder: string): EnforcedFiles {
  return { alone: path.join(folder, 'alone'), withPolicy: path.join(folder, 'with-policy') }
}

/** What a file says of a server by the name `localhost`. */
export function localLine({ hostKey, host }: TestServer): string {
  return hostKey.knownHostsLine.replace(host, 'localhost')
}

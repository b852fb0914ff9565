import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after } from 'node:test'
import type { TestServer } from 'holdfast/testing'

/** The files of known hosts that a policy enforces: for `localhost` alone, and for `127.0.0.1` with how strict to be. */
export interface EnforcedFiles {
  readonly alone: string
  readonly withPolicy: string
}

/** Writes the policy of this process, before its first connection. */
export function enforceKnownHosts(): EnforcedFiles {
  const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-enforced-hosts-'))
  after(() => rmSync(directory, { recursive: true, force: true }))
  const files = { alone: path.join(directory, 'alone'), withPolicy: path.join(directory, 'with-policy') }
  const policy = path.join(directory, 'policy.json')
  const hosts = [
    { match: 'localhost', enforced: { hostKey: { knownHosts: [files.alone] } } },
    { match: '127.0.0.1', enforced: { hostKey: { knownHosts: [files.withPolicy], policy: 'accept-new' } } },
  ]
  writeFileSync(policy, JSON.stringify({ hosts }), { mode: 0o644 })
  process.env['HOLDFAST_POLICY'] = policy
  return files
}

/** What a file says of a server by the name `localhost`. */
export function localLine({ hostKey, host }: TestServer): string {
  return hostKey.knownHostsLine.replace(host, 'localhost')
}

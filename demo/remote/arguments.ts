import { parseArgs } from 'node:util'
import type { ConnectOptions, SpawnOptions } from 'holdfast'

/** What `npm start -- …` asks for. */
export interface Request {
  readonly target: string
  readonly command: string
  readonly connect: ConnectOptions
  readonly spawn: SpawnOptions
}

export const usage = `usage: npm start                                              four scenes, measured here
       npm start -- [options] [user@]host[:port] 'command'    one command on your own server

  -i, --identity FILE        a private key, in place of those that ssh would use
      --timeout 15s          ends the command after this time, on the server too
      --fingerprint SHA256:… accepts this host key
      --accept-new           accepts a host that is not known yet, and adds it to known_hosts
`

/** @returns what is wrong with the arguments, where something is */
export function readArguments(args: readonly string[]): Request | { readonly problem: string } {
  try {
    return toRequest(parse(args))
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

/** @throws TypeError */
function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      identity: { type: 'string', short: 'i', multiple: true },
      timeout: { type: 'string' },
      fingerprint: { type: 'string', multiple: true },
      'accept-new': { type: 'boolean', default: false },
    },
  })
}

function toRequest({ values, positionals }: ReturnType<typeof parse>): Request | { readonly problem: string } {
  const [target, ...words] = positionals
  if (target === undefined || words.length === 0) return { problem: 'a host and a command are needed' }
  return {
    target,
    // As ssh: the words of the command, joined by blanks.
    command: words.join(' '),
    connect: {
      identityFiles: values.identity,
      hostKey: { fingerprints: values.fingerprint, policy: values['accept-new'] ? 'accept-new' : 'strict' },
    },
    spawn: { timeout: values.timeout },
  }
}

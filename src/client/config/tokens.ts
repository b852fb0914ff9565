import { homedir, hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** What the tokens of ssh_config(5) stand for. */
export interface TokenValues {
  /** The name that the program gave. */
  readonly alias: string
  /** What HostName made of it. */
  readonly host: string
  readonly port: number
  readonly username: string
  /** HostKeyAlias, or the name that the program gave. */
  readonly keyName: string
}

/**
 * `ssh -G` leaves `~`, tokens and `${VARIABLES}` in IdentityFile and CertificateFile as they are.
 * @returns undefined where it holds what is not known here
 */
export function expandPath(path: string, values: TokenValues): string | undefined {
  let isKnown = true
  const take = (value: string | undefined): string => {
    if (value === undefined) isKnown = false
    return value ?? ''
  }
  // In one pass: what a name brings along is not looked at again.
  const expanded = path.replace(/%(.?)|\$\{(\w+)\}/g, (_, token?: string, variable?: string) =>
    take(variable === undefined ? tokenValue(token ?? '', values) : process.env[variable]),
  )
  return isKnown ? inHome(expanded) : undefined
}

function tokenValue(token: string, { alias, host, port, username, keyName }: TokenValues): string | undefined {
  const known: Readonly<Record<string, () => string>> = {
    '%': () => '%',
    d: ownHome,
    h: () => host,
    i: () => String(process.getuid?.() ?? ''),
    k: () => keyName,
    L: () => hostname().split('.', 1)[0] ?? '',
    l: hostname,
    n: () => alias,
    p: () => String(port),
    r: () => username,
    u: () => userInfo().username,
  }
  return Object.hasOwn(known, token) ? known[token]?.() : undefined
}

/** ssh looks the home directory up and believes no HOME. */
function ownHome(): string {
  try {
    return userInfo().homedir
  } catch {
    return homedir()
  }
}

function inHome(path: string): string {
  return path === '~' || /^~[/\\]/.test(path) ? join(ownHome(), path.slice(1)) : path
}

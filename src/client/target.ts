import { HoldfastError } from '../errors.js'

/** Whom to connect to, as far as the target says it. */
export interface Target {
  readonly host: string
  readonly port?: number
  readonly username?: string
}

/**
 * Reads `[user@]host[:port]`, `[user@][2001:db8::1]:port` or `ssh://[user@]host[:port]`. A name may hold an `@`, as
 * login names of Active Directory do: the last one counts.
 * @throws HoldfastError ERR_SSH_OPTION
 */
export function parseTarget(target: string): Target {
  const rest = /^ssh:\/\/([^/?#]*)\/?$/.exec(target)?.[1]
  if (rest === undefined && target.includes('://')) throw wrongTarget('has another scheme than ssh://, or a path')
  const authority = rest ?? target
  const at = authority.lastIndexOf('@')
  const place = parsePlace(authority.slice(at + 1))
  if (at === -1) return place
  const username = rest === undefined ? authority.slice(0, at) : decode(authority.slice(0, at))
  if (username === '') throw wrongTarget('has an @ but no user before it')
  return { ...place, username }
}

function parsePlace(text: string): Target {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text)
  if (bracketed?.[1] !== undefined) return withPort(bracketed[1], bracketed[2])
  // Several colons without brackets are an IPv6 address, not a port.
  const [, host, port] = /^([^:]+)(?::(\d+))?$/.exec(text) ?? []
  if (host !== undefined) return withPort(host, port)
  if (/^[0-9a-fA-F:.]+(%\w+)?$/.test(text)) return { host: text }
  throw wrongTarget('is not of the form [user@]host[:port]')
}

function withPort(host: string, port: string | undefined): Target {
  if (/[\s\p{Cc}[\]]/u.test(host)) throw wrongTarget('has white space, brackets or control characters in the host name')
  return port === undefined ? { host } : { host, port: Number(port) }
}

function decode(text: string): string {
  try {
    // RFC 3986 user information; a password in a URL would end up in logs, so it is refused, not used.
    if (text.includes(':')) throw wrongTarget('holds a password: give it as the option password')
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    throw wrongTarget('has a wrong escape in the user name')
  }
}

/** The target itself is not shown: it may hold a password by mistake. */
function wrongTarget(problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `the target ${problem}`, { phase: 'options' })
}

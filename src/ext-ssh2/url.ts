import { HoldfastError } from '../errors.js'

const wrappers = ['exec', 'shell', 'tunnel', 'scp', 'sftp'] as const
export type Wrapper = (typeof wrappers)[number]

/** What a URL of `open()` says. */
export interface Ssh2Url {
  readonly wrapper: Wrapper
  /** Whether anything stands between `://` and the path. */
  readonly hasHost: boolean
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly path: string
}

const control = /\p{Cc}/gu
const form = /^ssh2\.([a-z]+):\/\/([^/?#]*)([^?#]*)/
/** A user and a password may hold an `@`, and a password a colon. */
const authorityForm = /^(?:([^:]*?)(?::(.*))?@)?(\[[^\]]*\]|[^@:]*)(?::(\d{0,5}))?$/

/**
 * Reads a URL as PHP does: nothing in it is decoded, a path ends at the first `?` or `#`, and a control character is an
 * underscore.
 * @throws HoldfastError ERR_SSH_OPTION, which shows nothing of the URL: where it is wrong, its password may be anywhere
 */
export function parseUrl(url: string): Ssh2Url {
  const [, name, authority = '', path = ''] = form.exec(url.replaceAll(control, '_')) ?? []
  const wrapper = wrappers.find((known) => known === name)
  if (wrapper === undefined)
    throw wrongUrl(`it must begin with one of ${wrappers.map((known) => `ssh2.${known}://`).join(', ')}`)
  if (path === '') throw wrongUrl('it has no path')
  const [whole, username, password, host = '', port = ''] = authorityForm.exec(authority) ?? []
  if (whole === undefined || (host === '' && whole !== '') || Number(port) > 65_535)
    throw wrongUrl('its host must be host, host:port or [address]:port')
  return {
    wrapper,
    hasHost: authority !== '',
    host: host.replaceAll(/^\[|\]$/g, ''),
    port: Number(port) || 22,
    username: username || undefined,
    password: password || undefined,
    path,
  }
}

export function wrongUrl(problem: string): HoldfastError {
  const hint = 'it reads ssh2.exec://user:password@host:port/command, with no /, ? or # in user and password'
  return new HoldfastError('ERR_SSH_OPTION', `the URL cannot be opened: ${problem}`, { phase: 'options', hint })
}

import { finished, type Readable } from 'node:stream'
import type { Tunnel } from '../forward/tunnel.js'
import { orFalseNow } from './answer.js'
import { stringArgument } from './arguments.js'
import { ssh2_auth_password, ssh2_auth_pubkey_file } from './auth.js'
import type { Ssh2Callbacks } from './callbacks.js'
import type { Ssh2ChannelStream } from './channel-stream.js'
import { ssh2_connect, ssh2_disconnect } from './connect.js'
import { checkContext, type Ssh2Context } from './context.js'
import { type Ssh2Env, ssh2_exec, ssh2_shell } from './exec.js'
import type { Ssh2Methods } from './methods.js'
import { onClient, peerOf, type Ssh2Session } from './session.js'
import { Ssh2Sftp, ssh2_sftp } from './sftp.js'
import { openFile, type Ssh2FileStream } from './sftp-file.js'
import { register } from './stream-state.js'
import { ssh2_tunnel } from './tunnel.js'
import { parseUrl, type Ssh2Url, type Wrapper, wrongUrl } from './url.js'

/** What `open()` gives, by the wrapper that the URL names. */
export interface OpenedStreams {
  readonly exec: Ssh2ChannelStream
  readonly shell: Ssh2ChannelStream
  readonly tunnel: Tunnel
  readonly scp: Readable
  readonly sftp: Ssh2FileStream
}

/** PHP's options `ssh2` of a stream context. What the URL says of user and password goes before what is said here. */
export interface Ssh2UrlOptions {
  readonly session?: Ssh2Session
  readonly sftp?: Ssh2Sftp
  readonly methods?: Ssh2Methods
  readonly callbacks?: Ssh2Callbacks
  readonly username?: string
  /** Also what opens the private key. */
  readonly password?: string
  /** With `privkey_file`, tried before the password. */
  readonly pubkey_file?: string
  readonly privkey_file?: string
  /** Of a command or shell. */
  readonly env?: Ssh2Env
  /** @default for a command no terminal, for a shell 'vanilla' */
  readonly term?: string
  /** @default 80 */
  readonly term_width?: number
  /** @default 25 */
  readonly term_height?: number
  /** @default SSH2_TERM_UNIT_CHARS */
  readonly term_units?: number
}

/** How `open()` opens a URL: what `ssh2_connect()` takes as its context, and more. */
export interface OpenOptions extends Ssh2Context {
  /** In place of a host in the URL: `ssh2.exec:///command`. For `ssh2.sftp://` also what `ssh2_sftp()` gave. */
  readonly session?: Ssh2Session | Ssh2Sftp
  /** As for PHP's `fopen()`: means something to `ssh2.sftp://`, and `ssh2.scp://` only reads. @default 'r' */
  readonly mode?: string
  readonly ssh2?: Ssh2UrlOptions
}

type Opener<W extends Wrapper> = (
  session: Ssh2Session | Ssh2Sftp,
  path: string,
  options: OpenOptions,
) => Promise<OpenedStreams[W] | false>

const name = 'open'

const openers: { readonly [W in Wrapper]: Opener<W> } = {
  exec: (session, path, { ssh2: { term, env, term_width, term_height, term_units } = {} }) =>
    ssh2_exec(session, path.slice(1), term, env, term_width, term_height, term_units),
  shell: (session, path, { ssh2: { term, env, term_width, term_height, term_units } = {} }) =>
    ssh2_shell(session, path.split('/')[1] || term, env, term_width, term_height, term_units),
  tunnel: async (session, path) => {
    const target = orFalseNow({ name, of: [session] }, () => targetOf(path))
    return target && ssh2_tunnel(session, target.host, target.port)
  },
  scp: async (session, path) =>
    onClient({ name, says: 'Unable to request a channel from remote host' }, session, {
      start: async (client, signal) =>
        register(await client.scp.read(path, { signal }), session, peerOf(name, session)),
      undo: (stream) => stream.destroy(),
    }),
  sftp: async (session, path, { mode = 'r' }) => {
    const sftp = session instanceof Ssh2Sftp ? session : await ssh2_sftp(session)
    return sftp && openFile({ name, says: `Unable to open ${path} on remote host` }, sftp, path, mode)
  },
}

/**
 * Opens a URL of one of PHP's wrappers: `ssh2.exec://…/command`, `ssh2.shell://…/term`, `ssh2.tunnel://…/host:port`,
 * `ssh2.scp://…/path`, `ssh2.sftp://…/path`. Without `session` it connects to `user:password@host:port` of the URL and logs in;
 * that connection ends with the stream. Nothing in a URL is decoded, as in PHP, and its path ends at the first `?` or `#`.
 * @returns false where it fails: `ssh2_last_error()` says why, and never shows the URL
 * @throws TypeError
 */
export async function open<W extends Wrapper>(
  url: `ssh2.${W}://${string}`,
  options?: OpenOptions,
): Promise<OpenedStreams[W] | false>
export async function open(url: string, options?: OpenOptions): Promise<OpenedStreams[Wrapper] | false>
export async function open(url: string, options: OpenOptions = {}): Promise<OpenedStreams[Wrapper] | false> {
  stringArgument([name, 1, 'url'], url)
  stringArgument([name, 2, 'mode'], options.mode ?? 'r')
  const place = orFalseNow({ name, of: [] }, () => {
    checkContext(options)
    return placeOf(parseUrl(url), options)
  })
  if (place === false) return false
  const { wrapper, host, port, path } = place
  const given = sessionFor(wrapper, options)
  if (given !== undefined) return openers[wrapper](given, path, options)
  const session = await ssh2_connect(host, port, options.ssh2?.methods, options.ssh2?.callbacks, options)
  if (session === false) return false
  let stream: OpenedStreams[Wrapper] | false = false
  try {
    if (await logIn(session, place, options)) stream = await openers[wrapper](session, path, options)
  } finally {
    if (stream === false) await ssh2_disconnect(session)
    else finished(stream, () => void ssh2_disconnect(session))
  }
  return stream
}

function sessionFor(wrapper: Wrapper, { session, ssh2 = {} }: OpenOptions): Ssh2Session | Ssh2Sftp | undefined {
  return session ?? (wrapper === 'sftp' ? ssh2.sftp : undefined) ?? ssh2.session
}

/** @throws HoldfastError ERR_SSH_OPTION */
function placeOf(url: Ssh2Url, options: OpenOptions): Ssh2Url {
  const { ssh2 = {}, mode = 'r' } = options
  const { username = ssh2.username, password = ssh2.password } = url
  if (url.wrapper === 'scp' && /[+aw]/.test(mode)) throw wrongUrl('ssh2.scp:// can only be read')
  if (sessionFor(url.wrapper, options) !== undefined) {
    if (url.hasHost) throw wrongUrl('it names a host, and there is a session: it can be one of the two')
    return url
  }
  if (!url.hasHost) throw wrongUrl('it names no host, and there is no session')
  if (username === undefined) throw wrongUrl('it names no user')
  if (password === undefined && keyFiles(options) === undefined)
    throw wrongUrl('there is no password, and no pair of pubkey_file and privkey_file')
  return { ...url, username, password }
}

async function logIn(
  session: Ssh2Session,
  { username = '', password }: Ssh2Url,
  options: OpenOptions,
): Promise<boolean> {
  const keys = keyFiles(options)
  if (keys !== undefined && (await ssh2_auth_pubkey_file(session, username, ...keys, password))) return true
  return password !== undefined && ssh2_auth_password(session, username, password)
}

function keyFiles({ ssh2 = {} }: OpenOptions): readonly [publicKey: string, privateKey: string] | undefined {
  const { pubkey_file, privkey_file } = ssh2
  return pubkey_file === undefined || privkey_file === undefined ? undefined : [pubkey_file, privkey_file]
}

/** @throws HoldfastError ERR_SSH_OPTION */
function targetOf(path: string): { readonly host: string; readonly port: number } {
  const [, bracketed, host = bracketed, port] = /^\/(?:\[([^\]]*)\]|([^:]*)):(\d+)/.exec(path) ?? []
  if (host === undefined || host === '') throw wrongUrl('its path must be /host:port or /[address]:port')
  return { host, port: Number(port) }
}

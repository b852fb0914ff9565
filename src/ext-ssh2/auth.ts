import { KeyboardInteractiveMethod } from '../auth/client-keyboard-interactive.js'
import { PasswordMethod } from '../auth/client-password.js'
import { PublicKeyMethod } from '../auth/client-publickey.js'
import type { Signer } from '../auth/signer.js'
import { agentSigners } from '../auth/signers.js'
import { HoldfastError } from '../errors.js'
import { SocketAgent } from '../keys/agent-socket.js'
import { defaultAgentPath } from '../keys/paths.js'
import { orFalse } from './answer.js'
import { bytesArgument, type Place, stringArgument } from './arguments.js'
import { HostbasedMethod } from './hostbased.js'
import { keyOfFiles, keyOfTexts } from './key-pair.js'
import type { Login } from './peer.js'
import { peerOf, type Ssh2Session } from './session.js'

/**
 * Asks what the server offers.
 * @returns true where it asks for no more than the name, the methods that it offers, or false where it does not answer
 * @throws TypeError
 */
export async function ssh2_auth_none(session: Ssh2Session, username: string): Promise<readonly string[] | boolean> {
  const name = 'ssh2_auth_none'
  stringArgument([name, 2, 'username'], username)
  const peer = peerOf(name, session)
  return orFalse({ name, of: [session] }, async () => {
    const answer = await peer.logIn({ name, username, prepare: async () => () => [] })
    return answer.isAccepted || answer.methods
  })
}

/** Logs in with a password, which also answers a form that asks for one. @throws TypeError */
export async function ssh2_auth_password(session: Ssh2Session, username: string, password: string): Promise<boolean> {
  const name = 'ssh2_auth_password'
  stringArgument([name, 2, 'username'], username)
  stringArgument([name, 3, 'password'], password)
  return logIn({ name, session, username, says: failedBy(username, 'password') }, async () => (context) => [
    new PasswordMethod(context, { password }),
    new KeyboardInteractiveMethod(context, { answers: password }),
  ])
}

/** Logs in with a key of two files; the public one may be a certificate. @throws TypeError */
export async function ssh2_auth_pubkey_file(
  session: Ssh2Session,
  username: string,
  pubkeyfile: string,
  privkeyfile: string,
  passphrase?: string | null,
): Promise<boolean> {
  const name = 'ssh2_auth_pubkey_file'
  stringArgument([name, 2, 'username'], username)
  const files = {
    pubkeyfile: stringArgument([name, 3, 'pubkeyfile'], pubkeyfile),
    privkeyfile: stringArgument([name, 4, 'privkeyfile'], privkeyfile),
    passphrase: optionalString([name, 5, 'passphrase'], passphrase),
  }
  return logInByKey({ name, session, username, says: failedBy(username, 'public key') }, () => keyOfFiles(files))
}

/** Logs in with a key by the texts of its files. @throws TypeError */
export async function ssh2_auth_pubkey(
  session: Ssh2Session,
  username: string,
  pubkey: string | Buffer,
  privkey: string | Buffer,
  passphrase?: string | null,
): Promise<boolean> {
  const name = 'ssh2_auth_pubkey'
  stringArgument([name, 2, 'username'], username)
  bytesArgument([name, 3, 'pubkey'], pubkey)
  bytesArgument([name, 4, 'privkey'], privkey)
  const secret = optionalString([name, 5, 'passphrase'], passphrase)
  return logInByKey({ name, session, username, says: failedBy(username, 'public key') }, async () =>
    keyOfTexts(pubkey, privkey, secret),
  )
}

/** Logs in with the host key of this machine (RFC 4252 section 9). @throws TypeError */
export async function ssh2_auth_hostbased_file(
  session: Ssh2Session,
  username: string,
  hostname: string,
  pubkeyfile: string,
  privkeyfile: string,
  passphrase?: string | null,
  local_username?: string | null,
): Promise<boolean> {
  const name = 'ssh2_auth_hostbased_file'
  stringArgument([name, 2, 'username'], username)
  stringArgument([name, 3, 'hostname'], hostname)
  const files = {
    pubkeyfile: stringArgument([name, 4, 'pubkeyfile'], pubkeyfile),
    privkeyfile: stringArgument([name, 5, 'privkeyfile'], privkeyfile),
    passphrase: optionalString([name, 6, 'passphrase'], passphrase),
  }
  const localUsername = optionalString([name, 7, 'local_username'], local_username) ?? username
  return logIn({ name, session, username, says: failedBy(username, 'hostbased public key') }, async (algorithms) => {
    const signer = await keyOfFiles(files)
    return (context) => [new HostbasedMethod(context, { signer, hostname, localUsername, algorithms })]
  })
}

/** Logs in with a key of the agent that SSH_AUTH_SOCK names. @throws TypeError */
export async function ssh2_auth_agent(session: Ssh2Session, username: string): Promise<boolean> {
  const name = 'ssh2_auth_agent'
  stringArgument([name, 2, 'username'], username)
  const path = defaultAgentPath()
  // PHP's two texts.
  const says = path === undefined ? 'Failure connecting to ssh-agent' : "Couldn't continue authentication"
  let agent: SocketAgent | undefined
  try {
    return await logIn({ name, session, username, says }, async (algorithms) => {
      if (path === undefined) throw noAgent()
      const keys = [agentSigners((agent = new SocketAgent(path)), { chosen: [], others: 'after' })]
      return (context) => [new PublicKeyMethod(context, { keys, algorithms })]
    })
  } finally {
    agent?.close()
  }
}

interface Attempt {
  readonly name: string
  readonly session: Ssh2Session
  readonly username: string
  /** PHP's own text of the warning. */
  readonly says: string
}

async function logIn({ name, session, username, says }: Attempt, prepare: Login['prepare']): Promise<boolean> {
  const peer = peerOf(name, session)
  const of = [session]
  return orFalse({ name, of }, async () => {
    peer.requireNoLogin()
    return orFalse({ name, says, of }, async () => {
      const answer = await peer.logIn({ name, username, prepare })
      if (answer.isAccepted) return true
      throw answer.error
    })
  })
}

function failedBy(username: string, what: string): string {
  return `Authentication failed for ${username} using ${what}`
}

function logInByKey(login: Attempt, load: () => Promise<Signer>): Promise<boolean> {
  return logIn(login, async (algorithms) => {
    const keys = [await load()]
    return (context) => [new PublicKeyMethod(context, { keys, algorithms })]
  })
}

function optionalString(place: Place, value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : stringArgument(place, value)
}

function noAgent(): HoldfastError {
  return new HoldfastError('ERR_SSH_AGENT', 'there is no agent: SSH_AUTH_SOCK is not set', { phase: 'authentication' })
}

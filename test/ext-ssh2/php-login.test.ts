import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import {
  type Ssh2Session,
  ssh2_auth_agent,
  ssh2_auth_hostbased_file,
  ssh2_auth_none,
  ssh2_auth_password,
  ssh2_auth_pubkey_file,
  ssh2_connect,
  ssh2_disconnect,
} from 'holdfast/ext-ssh2'
import { startAgent } from '../servers/agent.js'
import { skipReason } from '../servers/availability.js'
import { keyPool } from '../servers/keys.js'
import { sshKeygen } from '../servers/ssh-keygen.js'
import { type AnswersHere, compare, type Given, prepareComparison } from './compare.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

const passphrase = 'open sesame'

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to log in', async (t) => {
    const { client } = await keyPool()
    const [locked, stranger] = await Promise.all([newKey(t, passphrase), newKey(t, '')])
    await compare(t, {
      script: 'login',
      server: { authorizedKeys: client.authorizedKeys + (await readFile(`${locked}.pub`, 'utf8')) },
      extra: {
        passphrase,
        locked,
        agent: await agentOf(t, client.files.ed25519.privateKey),
        emptyAgent: await agentOf(t),
        strangersAgent: await agentOf(t, stranger),
      },
      differences: {
        rsa: 'libssh2 1.10 signs with SHA-1 alone, which servers refuse',
        'wrong until the server hangs up': 'PHP takes the end of the connection for a success',
      },
      here: async (here, given) => {
        await byPassword(here, given)
        await byKey(here, given)
        await byHost(here, given)
        await byAgent(here, given)
        const { username } = given
        const hung = await open(given)
        await here.answer('wrong until the server hangs up', async () => {
          const answers: boolean[] = []
          while (answers.length < 9) answers.push(await ssh2_auth_password(hung, username, 'wrong'))
          return answers
        })
        await ssh2_disconnect(hung)
      },
    })
  })
})

async function byPassword(here: AnswersHere, given: Given): Promise<void> {
  const { username, password, keys } = given
  const session = await open(given)
  const attempt = () => ssh2_auth_password(session, username, password)
  await here.answer('none', () => ssh2_auth_none(session, username))
  await here.answer('a wrong password', () => ssh2_auth_password(session, username, 'wrong'))
  await here.answer('the right one after it', attempt)
  await here.answer('the right one again', attempt)
  const [pub, priv] = [`${keys.ed25519}.pub`, keys.ed25519]
  await here.answer('a key after it', () => ssh2_auth_pubkey_file(session, username, pub, priv))
  await ssh2_disconnect(session)
  const stranger = await open(given)
  await here.answer('none of an unknown user', () => ssh2_auth_none(stranger, 'nobody-here'))
  await here.answer('an unknown user', () => ssh2_auth_password(stranger, 'nobody-here', 'wrong'))
  await here.answer('no session', () => ssh2_auth_password('session' as never, username, 'wrong'))
  await here.answer('a name that is none', () => ssh2_auth_password(stranger, [] as never, 'wrong'))
  await ssh2_disconnect(stranger)
}

async function byKey(here: AnswersHere, given: Given): Promise<void> {
  const { username, keys, extra } = given
  const attempt = (pub: string, priv: string, secret?: string, name = username) =>
    inSession(given, (session) => ssh2_auth_pubkey_file(session, name, pub, priv, secret))
  for (const [type, file] of Object.entries(keys)) await here.answer(type, () => attempt(`${file}.pub`, file))
  const locked = String(extra['locked'])
  await here.answer('with a passphrase', () => attempt(`${locked}.pub`, locked, passphrase))
  await here.answer('a wrong passphrase', () => attempt(`${locked}.pub`, locked, 'wrong'))
  const { ed25519, ecdsa } = keys
  await here.answer('a public key that is not there', () => attempt('/nowhere.pub', ed25519))
  await here.answer('a private key that is not there', () => attempt(`${ed25519}.pub`, '/nowhere'))
  await here.answer('two halves of two keys', () => attempt(`${ed25519}.pub`, ecdsa))
  await here.answer('a key that is none', () => attempt(`${ed25519}.pub`, '/etc/hostname'))
  await here.answer('a key of an unknown user', () => attempt(`${ed25519}.pub`, ed25519, undefined, 'nobody-here'))
}

async function byHost(here: AnswersHere, given: Given): Promise<void> {
  const { username, keys } = given
  const host = [username, 'nowhere.invalid', `${keys.ed25519}.pub`, keys.ed25519] as const
  await inSession(given, async (session) => {
    await here.answer('hostbased', () => ssh2_auth_hostbased_file(session, ...host))
    await here.answer('hostbased for somebody else', () => ssh2_auth_hostbased_file(session, ...host, '', 'x'))
  })
}

async function byAgent(here: AnswersHere, given: Given): Promise<void> {
  const { username, extra } = given
  const before = process.env['SSH_AUTH_SOCK']
  const attempt = (socket: string | number | undefined) => {
    if (socket === undefined) delete process.env['SSH_AUTH_SOCK']
    else process.env['SSH_AUTH_SOCK'] = String(socket)
    return inSession(given, (session) => ssh2_auth_agent(session, username))
  }
  try {
    await here.answer('no agent', () => attempt(undefined))
    await here.answer('an agent', () => attempt(extra['agent']))
    await here.answer('an agent without a key', () => attempt(extra['emptyAgent']))
    await here.answer('an agent with a key of somebody else', () => attempt(extra['strangersAgent']))
  } finally {
    if (before === undefined) delete process.env['SSH_AUTH_SOCK']
    else process.env['SSH_AUTH_SOCK'] = before
  }
}

async function open({ host, port }: Given): Promise<Ssh2Session> {
  return got(await ssh2_connect(host, port))
}

async function inSession<T>(given: Given, work: (session: Ssh2Session) => Promise<T>): Promise<T> {
  const session = await open(given)
  try {
    return await work(session)
  } finally {
    await ssh2_disconnect(session)
  }
}

async function newKey(t: TestContext, secret: string): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-php-key-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const file = path.join(directory, 'key')
  await sshKeygen(['-q', '-t', 'ed25519', '-N', secret, '-C', 'key', '-f', file])
  return file
}

async function agentOf(t: TestContext, ...keys: readonly string[]): Promise<string> {
  const agent = await startAgent(keys)
  t.after(() => agent.stop())
  return agent.socket
}

import { type AuthWay, ClientAuthentication } from '#src/auth/client.js'
import { ServerAuthentication } from '#src/auth/server.js'
import type { AuthAttempt, Decision } from '#src/auth/server-attempt.js'
import { defaultLimits } from '#src/client/limits.js'
import type { ConnectionOptions } from '#src/connection/options.js'
import { hostKey, password } from '../support/core/options.js'
import type { Random } from '../support/core/random.js'

type MakeAuthenticator = ConnectionOptions['authenticator']

/** The key of the user; whose it is does not matter here. */
const signer = {
  publicKey: hostKey.publicKey,
  source: '~/.ssh/id_ed25519',
  waitsOn: 'nothing',
  sign: async (algorithm: string, data: Buffer) => hostKey.sign(algorithm, data),
} as const

const ways: readonly AuthWay[] = [
  { method: 'publickey', keys: [signer] },
  { method: 'keyboard-interactive', answers: password },
  { method: 'keyboard-interactive', answers: async ({ prompts }) => prompts.map(() => password) },
  { method: 'password', password },
]

/** A client that knows some of the ways in; the password, which always does, comes last. */
export function someClientLogin(random: Random): MakeAuthenticator {
  const known = ways.filter(({ method }) => method === 'password' || random.once(2))
  return (port) => new ClientAuthentication(port, { username: 'deploy', ways: known, limits: defaultLimits })
}

/** A server that wants one of them, or two, or a new password, and takes its time. */
export function someServerLogin(random: Random): MakeAuthenticator {
  const wantsMore = random.once(3)
  const decide = async (attempt: AuthAttempt): Promise<Decision> => {
    if (!(await isRight(attempt))) return 'refuse'
    return wantsMore && attempt.method !== 'password' ? { partial: ['password'] } : 'accept'
  }
  const banner = random.once(2) ? { banner: 'Authorized use only\r\n' } : {}
  return (port) =>
    new ServerAuthentication(port, {
      methods: ['publickey', 'keyboard-interactive', 'password'],
      authenticate: decide,
      ...banner,
    })
}

async function isRight(attempt: AuthAttempt): Promise<boolean> {
  if (attempt.method === 'publickey') return attempt.key.blob.equals(hostKey.publicKey.blob)
  if (attempt.method === 'password') return attempt.password === password
  if (attempt.method === 'none') return false
  const form = { name: '', instruction: '', prompts: [{ text: 'Password: ', echo: false }] }
  const [answer] = await attempt.ask(form)
  return answer === password
}

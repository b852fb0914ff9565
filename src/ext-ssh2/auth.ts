import { KeyboardInteractiveMethod } from '../auth/client-keyboard-interactive.js'
import type { ClientMethod, MethodContext } from '../auth/client-method.js'
import { PasswordMethod } from '../auth/client-password.js'
import { orFalse } from './answer.js'
import { stringArgument } from './arguments.js'
import { peerOf, type Ssh2Session } from './session.js'

/** Logs in with a password, which answers a form that asks for one too. @throws TypeError */
export async function ssh2_auth_password(session: Ssh2Session, username: string, password: string): Promise<boolean> {
  const name = 'ssh2_auth_password'
  stringArgument([name, 2, 'username'], username)
  stringArgument([name, 3, 'password'], password)
  return logIn({ name, says: `Authentication failed for ${username} using password` }, session, username, (context) => [
    new PasswordMethod(context, { password }),
    new KeyboardInteractiveMethod(context, { answers: password }),
  ])
}

async function logIn(
  { name, says }: { readonly name: string; readonly says: string },
  session: Ssh2Session,
  username: string,
  methods: (context: MethodContext) => readonly ClientMethod[],
): Promise<boolean> {
  const peer = peerOf(name, session)
  return orFalse({ name, says, of: [session] }, async () => {
    const answer = await peer.logIn({ name, username, methods })
    if (answer.isAccepted) return true
    throw answer.error
  })
}

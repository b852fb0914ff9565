import { describe, test } from 'node:test'
import { type Ssh2Session, ssh2_auth_password, ssh2_connect, ssh2_disconnect } from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { freePort } from '../servers/port.js'
import { sshd } from '../session/sshd.js'
import { AnswersHere, answersOfPhp, assertSame, type Given, givenOf, prepareComparison } from './compare.js'

const skip = skipReason(await prepareComparison())

const noSession = 'session' as unknown as Ssh2Session

async function connected({ host, port }: Given): Promise<Ssh2Session> {
  const session = await ssh2_connect(host, port)
  if (session === false) throw new Error('the server does not take connections')
  return session
}

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to connect and disconnect', async (t) => {
    const given = givenOf(await sshd(t, { version: '9.2' }), await freePort())
    const here = new AnswersHere()
    const session = await connected(given)
    await here.answer('connect', () => session)
    await here.answer('nobody listens', () => ssh2_connect(given.host, given.closedPort))
    await here.answer('a port that is text', () => ssh2_connect(given.host, 'ssh' as unknown as number))
    await here.answer('disconnect', () => ssh2_disconnect(session))
    await here.answer('disconnect what is no session', () => ssh2_disconnect(noSession))
    assertSame(await answersOfPhp('connect', given, t.signal), here.answers)
  })

  test('to log in with a password', async (t) => {
    const given = givenOf(await sshd(t, { version: '9.2' }), await freePort())
    const { username, password } = given
    const here = new AnswersHere()
    const session = await connected(given)
    await here.answer('a wrong password', () => ssh2_auth_password(session, username, 'wrong'))
    await here.answer('the right one after it', () => ssh2_auth_password(session, username, password))
    await here.answer('the right one again', () => ssh2_auth_password(session, username, password))
    await ssh2_disconnect(session)
    const stranger = await connected(given)
    await here.answer('an unknown user', () => ssh2_auth_password(stranger, 'nobody-here', 'wrong'))
    await ssh2_disconnect(stranger)
    await here.answer('no session', () => ssh2_auth_password(noSession, username, 'wrong'))
    assertSame(await answersOfPhp('password', given, t.signal), here.answers, {
      'the right one again': 'false in both; the warning here says of which login it speaks before it says the same',
    })
  })
})

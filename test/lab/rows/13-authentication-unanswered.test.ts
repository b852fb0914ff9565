import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type ConnectOptions, connect } from 'holdfast'
import {
  authMethodNumber,
  decodeUserauthRequest,
  encodeInfoRequest,
  encodeUserauthFailure,
  encodeUserauthSuccess,
} from '#src/wire/auth-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { account } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { row } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { logins, refused, slackMs } from './support/scripted.js'

leavesNothing()

const limitMs = 2000
const promptMs = 4000
const typingMs = 2500
const limits = { authentication: limitMs, prompt: promptMs }

row({
  number: 13,
  failure: 'authentication is never answered',
  expected: 'Gives the server a deadline; a person who types is not hurried by it, and has another one.',
  how: 'a server that passes over the request for authentication; others that ask a person, who answers after 2.5 s or never',
  bound: 'reported within 2 s (limit authentication), a person within 4 s (limit prompt)',
  code: 'ERR_SSH_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const server = await scriptedServer(t, neverDecides)
    watch.fault('authentication is asked for')
    const { error, tookMs } = await refused(server, { limits })
    watch.outcome({ kind: 'reported', text: `${error.code}, limit ${error.limit}` })
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs],
      ['ERR_SSH_TIMEOUT', 'authentication', 'authentication', limitMs],
    )
    assertWithin(tookMs, [limitMs, limitMs + slackMs])
    await Promise.all([personIsWaitedFor(t), absentPersonIsNot(t)])
  },
  peers: logins({ fault: 'authentication is asked for', script: neverDecides, limitMs }),
})

/** Longer than the server would be given. */
async function personIsWaitedFor(t: TestContext): Promise<void> {
  const { host, port } = await scriptedServer(t, asksAPerson)
  const ssh = await connect({ host, port, ...byPerson(() => pause(typingMs, ['42'])) })
  assert.equal((await ssh.exec('anything')).exitCode, 0)
  await ssh.close()
}

async function absentPersonIsNot(t: TestContext): Promise<void> {
  const server = await scriptedServer(t, asksAPerson)
  const { error, tookMs } = await refused(
    server,
    byPerson(() => new Promise(() => {})),
  )
  assert.deepEqual([error.code, error.phase, error.limit], ['ERR_SSH_TIMEOUT', 'authentication', 'prompt'])
  assertWithin(tookMs, [promptMs, promptMs + slackMs])
}

function byPerson(prompt: () => Promise<readonly string[]>): ConnectOptions {
  return { ...account, password: undefined, agent: false, identityFiles: [], prompt, limits }
}

function neverDecides(connection: ScriptedConnection): void {
  connection.before = ([number]) => number === messageNumber.USERAUTH_REQUEST
}

function asksAPerson(connection: ScriptedConnection): void {
  const { peer } = connection
  connection.before = (payload) => {
    if (payload[0] === authMethodNumber.INFO_RESPONSE) {
      peer.send(encodeUserauthSuccess())
      return true
    }
    if (payload[0] !== messageNumber.USERAUTH_REQUEST) return false
    if (decodeUserauthRequest(payload).method === 'keyboard-interactive')
      peer.send(encodeInfoRequest({ name: '', instruction: '', prompts: [{ text: 'The answer: ', echo: false }] }))
    else peer.send(encodeUserauthFailure({ methods: ['keyboard-interactive'], partialSuccess: false }))
    return true
  }
}

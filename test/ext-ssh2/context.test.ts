import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type OpenOptions,
  open,
  type Ssh2Context,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_last_error,
} from 'holdfast/ext-ssh2'
import { server } from '../promises/support/embedded.js'

/** What the types forbid. */
function wrong(context: unknown): Ssh2Context & OpenOptions {
  return context as Ssh2Context & OpenOptions
}

const strict = { hostKey: { policy: 'strict' } } as const
const slips: Readonly<Record<string, readonly [context: unknown, says: RegExp]>> = {
  "an option of connect() outside of 'holdfast'": [strict, /^the context: hostKey is none of/],
  "a misspelt 'holdfast'": [{ holdfst: strict }, /^the context: holdfst is none of .*; did you mean 'holdfast'\?/],
  'a name in other letters': [{ Holdfast: strict }, /^the context: Holdfast is none of .*; did you mean 'holdfast'\?/],
  "a misspelt name in 'holdfast'": [{ holdfast: { hostKeys: strict.hostKey } }, /^holdfast: .* did you mean 'hostKey'/],
  "a misspelt name in 'socket'": [{ socket: { bindTo: '0:0' } }, /^socket: .* did you mean 'bindto'/],
  "a misspelt name in 'ini'": [{ ini: { max_execution: 1 } }, /^ini: max_execution means nothing here/],
  "a misspelt name in 'ssh2'": [{ ssh2: { tern: 'xterm' } }, /^ssh2: .* did you mean 'term'/],
  'a text for a context': ['strict', /^the context must be an object, and is a string/],
  "a text for 'holdfast'": [{ holdfast: 'strict' }, /^holdfast must be an object, and is a string/],
  "a truth for 'holdfast'": [{ holdfast: true }, /^holdfast must be an object, and is a boolean/],
  "a number for 'ini'": [{ ini: 7 }, /^ini must be an object, and is a number/],
}

describe('a context that is wrong connects nowhere', { timeout: 60_000 }, () => {
  for (const [what, [context, says]] of Object.entries(slips)) {
    test(what, { timeout: 30_000 }, async (t) => {
      const { host, port, connections } = await server(t)
      assert.equal(await ssh2_connect(host, port, null, null, wrong(context)), false)
      assert.match(ssh2_last_error()?.message ?? '', says)
      assert.equal(ssh2_last_error()?.code, 'ERR_SSH_OPTION')
      assert.equal(await open(`ssh2.exec://deploy:secret@${host}:${port}/true`, wrong(context)), false)
      assert.match(ssh2_last_error()?.message ?? '', says)
      assert.deepEqual(connections, [])
    })
  }

  test('a misspelt option beside a session', { timeout: 30_000 }, async (t) => {
    const { host, port } = await server(t)
    const session = await ssh2_connect(host, port)
    assert.ok(session)
    assert.equal(await open('ssh2.exec:///true', wrong({ session, ssh2: { tern: 'xterm' } })), false)
    assert.equal(ssh2_last_error()?.code, 'ERR_SSH_OPTION')
    await ssh2_disconnect(session)
  })

  test('what PHP gives for nothing is nothing', { timeout: 30_000 }, async (t) => {
    const { host, port } = await server(t)
    const session = await ssh2_connect(host, port, null, null, wrong({ holdfast: null, socket: undefined, ssh2: {} }))
    assert.ok(session)
    await ssh2_disconnect(session)
  })
})

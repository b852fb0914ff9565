/** The file of a transfer that `ssh2_set_timeout()` gave up is the program's again. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import {
  ssh2_auth_password,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_last_error,
  ssh2_scp_recv,
  ssh2_set_timeout,
} from 'holdfast/ext-ssh2'
import type { ServerSession } from 'holdfast/testing'
import { account, server } from '../promises/support/embedded.js'
import { given } from './session.js'

const whole = Buffer.alloc(300_000, 'whole')

test('it is empty, and stays what the next call makes of it', { timeout: 60_000 }, async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-scp-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const [file, other] = [path.join(folder, 'file'), path.join(folder, 'other')]
  let givenUp: AbortSignal | undefined
  const { host, port } = await server(t, {
    exec: async (session) => {
      // Looks for the process of the first.
      if (!session.command?.startsWith('scp ')) return 1
      const isFirst = givenUp === undefined
      givenUp ??= session.signal
      return isFirst ? giveLittle(session) : giveWhole(session)
    },
  })
  const session = given(await ssh2_connect(host, port))
  t.after(() => ssh2_disconnect(session))
  assert.equal(await ssh2_auth_password(session, account.username, account.password), true)

  ssh2_set_timeout(session, 2)
  assert.equal(await ssh2_scp_recv(session, 'file', file), false)
  assert.equal(ssh2_last_error(session)?.limit, 'timeout')
  assert.equal((await readFile(file)).length, 0)
  ssh2_set_timeout(session, 0)
  assert.equal(await ssh2_scp_recv(session, 'file', file), true)
  assert.ok(givenUp !== undefined)
  if (!givenUp.aborted) await once(givenUp, 'abort')
  // Once another one is through, the end of the first has come to everybody here.
  assert.equal(await ssh2_scp_recv(session, 'file', other), true)
  for (const name of [file, other]) assert.ok(whole.equals(await readFile(name)))
})

/** And then nothing, whatever signal comes. */
async function giveLittle({ stdout, signal }: ServerSession): Promise<null> {
  stdout.write(`C0644 ${whole.length} file\nabc`)
  if (!signal.aborted) await once(signal, 'abort')
  return null
}

async function giveWhole({ stdout }: ServerSession): Promise<number> {
  stdout.write(`C0644 ${whole.length} file\n`)
  stdout.write(whole)
  await new Promise((resolve) => stdout.write('\0', resolve))
  return 0
}

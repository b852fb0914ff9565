import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Client, connect } from 'holdfast'
import type { TestServer } from 'holdfast/testing'
import { server } from '../promises/support/embedded.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Logs in with things of which nobody here keeps hold. */
async function logIn({ host, port }: TestServer, password: string): Promise<readonly [Client, WeakRef<object>[]]> {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const privateKey = Buffer.from(pair.privateKey.export({ type: 'pkcs1', format: 'pem' }))
  const prompt = async (): Promise<string[]> => [password]
  const ssh = await connect({ host, port, username: 'deploy', privateKey, prompt, hostKey: { policy: 'off' } })
  return [ssh, [new WeakRef(privateKey), new WeakRef(prompt)]]
}

test('what a client logged in with does not stay as long as the connection', { timeout: 60_000 }, async (t) => {
  const [ssh, secrets] = await logIn(await server(t), 'secret')
  t.after(() => ssh.close())
  await ssh.keepalive.send()
  // What a promise that has just settled holds on to is let go a turn later.
  while (secrets.some((secret) => secret.deref() !== undefined)) {
    await new Promise(setImmediate)
    collect()
  }
  assert.equal(ssh.state, 'connected')
  assert.equal((await ssh.exec('echo still here')).stdout, 'still here\n')
})

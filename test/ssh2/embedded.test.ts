// What sshd cannot be made to do here: forms, an expired password, a greeting; and what Holdfast leaves to ssh2.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import type { Channel, ConnectConfig } from 'holdfast/ssh2'
import type * as ssh2 from 'ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { ed25519Pair } from '../support/ssh2-key-pair.js'
import { configOf, dropIn, type Library, original, ready, value, within } from './record.js'

const { Server } = createRequire(import.meta.url)('ssh2') as typeof ssh2
const hostKey = ed25519Pair().private
const skip = skipReason(await prepareSshd('9.2'))

async function serve(t: TestContext, authenticate: (context: ssh2.AuthContext) => void): Promise<ConnectConfig> {
  const server = new Server({ hostKeys: [hostKey], greeting: 'good day', banner: 'no trespassing' }, (client) => {
    client.on('authentication', authenticate).on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, username: 'somebody' }
}

/** What a program sees of a login, with either library. */
async function login(library: Library, config: ConnectConfig): Promise<readonly unknown[]> {
  const seen: unknown[] = []
  const client = new library.Client()
  client.on('greeting', (text) => seen.push(['greeting', text]))
  client.on('banner', (text) => seen.push(['banner', text.trim()]))
  client.on('keyboard-interactive', (name, instructions, lang, prompts, finish) => {
    seen.push(['form', name, instructions, lang, prompts])
    finish(prompts.map(({ prompt }) => prompt.toUpperCase()))
  })
  client.on('change password', (text, done) => {
    seen.push(['change', text])
    done('new')
  })
  client.on('ready', () => {
    seen.push('ready')
    client.end()
  })
  client.on('error', ({ message, level }) => seen.push([message, level]))
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.connect(config)
  await within(closed, 'close')
  return seen
}

async function same(config: ConnectConfig): Promise<readonly unknown[]> {
  const theirs = await login(original, config)
  const ours = await login(dropIn, config)
  assert.deepEqual(ours, theirs)
  return ours
}

describe('over the drop-in and over ssh2', { timeout: 60_000 }, () => {
  test('forms, one after the other', async (t) => {
    const config = await serve(t, (context) => {
      if (context.method !== 'keyboard-interactive') context.reject(['keyboard-interactive'])
      else
        context.prompt([{ prompt: 'first', echo: true }, 'second'], 'a title', 'what to do', (first) => {
          context.prompt('third', (second) => {
            if ([...first, ...second].join() === 'FIRST,SECOND,THIRD') context.accept()
            else context.reject()
          })
        })
    })
    const seen = await same({ ...config, tryKeyboard: true })
    assert.equal(seen.at(-1), 'ready')
  })

  test('a password that has expired', async (t) => {
    const config = await serve(t, (context) => {
      if (context.method !== 'password') context.reject(['password'])
      else
        context.requestChange('it has expired', (password) =>
          password === 'new' ? context.accept() : context.reject(),
        )
    })
    const seen = await same({ ...config, password: 'old' })
    assert.equal(seen.at(-1), 'ready')
  })

  test('an order of methods, and their end', async (t) => {
    const asked: string[] = []
    const config = await serve(t, (context) => {
      asked.push(context.method)
      context.reject(['password', 'publickey'], context.method === 'password')
    })
    const { private: privateKey } = ed25519Pair()
    await same({ ...config, password: 'x', privateKey, tryKeyboard: true, localHostname: 'h', localUsername: 'u' })
    const half = asked.length / 2
    assert.deepEqual(asked.slice(half), asked.slice(0, half))
  })

  test('a connection that Holdfast lacks the algorithms for is made by ssh2, with a warning', { skip }, async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const warned = once(process, 'warning') as Promise<[Error & { code: string }]>
    const config = { ...(await configOf(server)), algorithms: { compress: ['zlib@openssh.com'] } }
    const client = await ready(t, dropIn, config)
    const [warning] = await within(warned, 'the warning')
    assert.equal(warning.code, 'HOLDFAST_SSH2_DELEGATED')
    const stream = await value<Channel>((done) => client.exec('echo there', done))
    const [data] = (await once(stream, 'data')) as [Buffer]
    assert.equal(data.toString(), 'there\n')
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    client.end()
    await within(closed, 'close')
  })
})

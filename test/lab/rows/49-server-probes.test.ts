import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import type { SshdVersion } from '../../servers/sshd.js'
import { login } from '../../session/sshd.js'
import { lab, row } from '../row.js'
import { sha256 } from './support/data.js'
import { keepalive, needs, scene } from './support/scene.js'
import { whoStays } from './support/watched.js'

leavesNothing()

/** The server gives up who has not answered for three seconds. */
const config = { ClientAliveInterval: 1, ClientAliveCountMax: 3 }
const pausedMs = lab.full ? 20_000 : 6000
const uploaded = lab.full ? 20_000_000 : 6_000_000
const unread = 9_000_000

row({
  number: 49,
  failure: 'the server asks whether we are there',
  expected: 'Answers at once, ahead of queued data, whatever its program does not read.',
  how: 'ClientAliveInterval 1 x 3; 9 MB of output that nobody reads; an upload at 8 Mbit/s; 20 MB for a command that reads none',
  bound: 'kept: every question is answered within the 3 s that the server allows',
  code: 'none: the commands end well',
  scale: { short: 'unread for 6 s, an upload of 6 MB', full: 'unread for 20 s, an upload of 20 MB' },
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    watch.fault('the server asks once a second')
    await Promise.all([unreadOutput(t, '9.2'), unreadOutput(t, '10'), slowUpload(t, '9.2'), unreadInput(t, '10')])
    watch.outcome({ kind: 'kept', text: 'all commands ended well' })
  },
  peers: whoStays({
    sshd: { version: '9.2', config },
    job: { job: 'exec', command: `head -c ${unread} /dev/zero`, unread: true },
    async fault(_scene, watch) {
      watch.fault('the server asks once a second')
    },
  }),
})

async function unreadOutput(t: TestContext, version: SshdVersion): Promise<void> {
  const { ssh } = await asked(t, version)
  const command = await ssh.spawn(`head -c ${unread} /dev/zero`)
  await pause(pausedMs)
  let bytes = 0
  for await (const chunk of command.stdout as AsyncIterable<Buffer>) bytes += chunk.length
  assert.equal(bytes, unread)
  assert.equal((await command.exited).exitCode, 0)
}

async function slowUpload(t: TestContext, version: SshdVersion): Promise<void> {
  const { ssh, gateway } = await asked(t, version)
  await gateway.rate({ kbits: 8000 })
  const data = randomBytes(uploaded)
  assert.equal((await ssh.exec('sha256sum', { stdin: data })).stdout.slice(0, 64), sha256(data))
}

async function unreadInput(t: TestContext, version: SshdVersion): Promise<void> {
  const { ssh } = await asked(t, version)
  const sleep = `sleep ${pausedMs / 1000}; echo awake`
  assert.equal((await ssh.exec(sleep, { stdin: Buffer.alloc(20_000_000) })).stdout, 'awake\n')
}

async function asked(t: TestContext, version: SshdVersion) {
  const made = await scene(t, { version, config })
  return { ...made, ssh: await login(t, made.server, { keepalive }) }
}

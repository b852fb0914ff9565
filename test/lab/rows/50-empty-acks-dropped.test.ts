import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { KeepaliveOptions } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { lab, row, type Watch } from '../row.js'
import { follow, needs, type Scene, scene, slackMs, untilAcknowledged } from './support/scene.js'
import { whoSurvives } from './support/watched.js'

leavesNothing()

const asleepS = lab.full ? 60 : 20
/** The shortest that every Node can set: the kernel ends the connection after 11 s. */
const shortValues = { idle: '1s', interval: '1s', count: 10 } as const
/** By the kernel, with these: it asks once a second, and gives up one second after the tenth question. */
const killedMs = 11_000
/** Linux holds an ACK back for 200 ms at most (TCP_DELACK_MAX). */
const delayedAckMs = 250
const inForce = { idleMs: 1000, intervalMs: 1000, count: 10 }
const command = `sleep ${asleepS}; echo awake`

row({
  number: 50,
  failure: 'a firewall drops empty ACKs',
  expected:
    'Asks by SSH messages, which carry data and pass; a SO_KEEPALIVE of short values does not end what they keep.',
  how: 'TCP segments without payload are dropped, both ways, once the flow is established',
  bound: 'kept: an answer for every question, once a second of silence',
  code: 'none: the command ends well',
  scale: { short: '20 s of silence', full: '60 s of silence' },
  needs: needs('10'),
  async holdfast(t, watch) {
    await Promise.all([
      isKept(t, { interval: '1s', countMax: 3 }, watch),
      isKept(t, { interval: '3s', countMax: 3, tcp: shortValues }),
      isKilledByTheKernel(t),
    ])
  },
  peers: whoSurvives({
    sshd: { version: '10' },
    job: { job: 'exec', command },
    watchedMs: (asleepS + 20) * 1000,
    fault: dropAcks,
  }),
})

async function isKept(t: TestContext, keepalive: KeepaliveOptions, watch?: Watch): Promise<void> {
  const made = await scene(t, { version: '10' })
  const ssh = await login(t, made.server, { keepalive })
  const states = follow(ssh, watch)
  const running = ssh.exec(command)
  await dropAcks(made, watch)
  assert.equal((await running).stdout, 'awake\n')
  watch?.outcome({ kind: 'kept', text: 'the command ended well' })
  assert.deepEqual(states, [])
  if (keepalive.tcp !== undefined) assert.deepEqual(ssh.stats().tcpKeepalive, inForce)
  assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
}

/** What this row is about: the same values, and no SSH message. */
async function isKilledByTheKernel(t: TestContext): Promise<void> {
  const made = await scene(t, { version: '10' })
  const ssh = await login(t, made.server, { keepalive: { interval: false, tcp: shortValues } })
  const running = failure((await ssh.spawn(command)).exited)
  // What the server sends again for want of our ACK would begin the kernel's count anew.
  await pause(delayedAckMs)
  await dropAcks(made)
  const since = performance.now()
  const { error } = await running
  assert.deepEqual([error.code, error.phase], ['ERR_SSH_CONNECTION_LOST', 'ready'])
  assertWithin(performance.now() - since, [killedMs - 1500, killedMs + slackMs])
  assert.match(error.message, /ETIMEDOUT/)
}

async function dropAcks({ gateway, server }: Scene, watch?: Watch): Promise<void> {
  await untilAcknowledged(server)
  await gateway.drop({ direction: 'both', only: 'empty-acks' })
  watch?.fault('empty ACKs are dropped')
}

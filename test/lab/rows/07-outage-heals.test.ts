import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { lab, row, type Watch } from '../row.js'
import { follow, needs, type Scene, scene, slackMs } from './support/scene.js'
import { whoSurvives } from './support/watched.js'

leavesNothing()

const intervalS = lab.full ? 10 : 2
const patient = { interval: `${intervalS}s`, countMax: 6 } as const
const boundMs = 7 * intervalS * 1000
const suspectMs = 2 * intervalS * 1000
// TCP sends again after as long as it has waited already: twice the outage is less than the bound.
const outageMs = 3 * intervalS * 1000
const hasty = { interval: '500ms', countMax: 1 } as const
const hastyBoundMs = 1000

const lines = 14 * intervalS
const command = `i=0; while [ $i -lt ${lines} ]; do echo $i; i=$((i+1)); sleep 0.5; done`
const output = Array.from({ length: lines }, (_, index) => `${index}\n`).join('')

row({
  number: 7,
  failure: 'an outage that heals',
  expected:
    'Calls the peer suspect, says so, and goes on when packets come again; how long it waits is for the user to say.',
  how: 'every packet is dropped, both ways, under a command that prints two lines a second; and passes again before the bound',
  bound: 'kept: suspect after 2 x interval; an outage of 3 x interval stays under half the bound (interval x 6)',
  code: 'none: the command ends well; ERR_SSH_PEER_DEAD for one that was told to wait for 1 s',
  scale: { short: '6 s of outage, interval 2 s', full: '30 s of outage, interval 10 s' },
  needs: needs('10'),
  async holdfast(t, watch) {
    const made = await scene(t, { version: '10' })
    const ssh = await login(t, made.server, { keepalive: patient })
    const impatient = await login(t, made.server, { keepalive: hasty })
    follow(ssh, watch)
    const states = statesOf(ssh)
    // Accepted before the outage: the answer to the request itself is waited for no longer than its own limit.
    const running = await ssh.spawn(command)
    const counted = text(running.stdout)
    await Promise.all([assertDead(impatient), outage(made, watch)])
    const stdout = await counted
    watch.outcome({ kind: 'kept', text: 'the command ended well' })

    assert.equal(stdout, output)
    assert.deepEqual(
      states.map(({ state }) => state),
      ['suspect', 'alive'],
    )
    const [suspect, alive] = states.map(({ at }) => watch.since(at))
    assertWithin(suspect ?? Number.NaN, [suspectMs - 1000, suspectMs + slackMs])
    assertWithin(alive ?? Number.NaN, [outageMs, boundMs])
  },
  peers: whoSurvives({
    sshd: { version: '10' },
    job: { job: 'exec', command },
    settings: {
      ssh2: { keepaliveInterval: intervalS * 1000, keepaliveCountMax: 6 },
      openssh: { ServerAliveInterval: intervalS, ServerAliveCountMax: 6 },
    },
    watchedMs: boundMs + (lines / 2) * 1000,
    fault: outage,
  }),
})

async function outage({ gateway }: Scene, watch: Watch): Promise<void> {
  await gateway.drop({ direction: 'both' })
  watch.fault('every packet is dropped')
  await pause(outageMs)
  await gateway.heal()
  watch.event('packets pass again')
}

/** What a client says of its peer, and when. */
function statesOf(ssh: Client): readonly { readonly state: string; readonly at: number }[] {
  const states: { readonly state: string; readonly at: number }[] = []
  ssh.on('liveness', ({ to }) => states.push({ state: to, at: performance.now() }))
  return states
}

/** Told to wait for less than the outage lasts. */
async function assertDead(ssh: Client): Promise<void> {
  const { code, phase, evidence } = await ssh.closed
  assert.deepEqual([code, phase], ['ERR_SSH_PEER_DEAD', 'ready'])
  assertWithin(evidence?.lastHeardMs ?? Number.NaN, [hastyBoundMs, hastyBoundMs + slackMs])
}

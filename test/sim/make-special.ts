import type { Random } from '../support/core/random.js'
import { loginMs, makeAbsence, makeAilment, makeCommand, makeEnd, makeExec, makeOutage } from './make-parts.js'
import type { CallPlan, Plan } from './plan.js'

/** Makes of a day, now and then, one of those that chance alone would seldom bring. */
export function makeSpecial(plan: Plan, random: Random): Plan {
  if (random.once(30)) return onFullLink(plan, random)
  if (random.once(30)) return unheard(plan, random)
  if (random.once(25)) return untaken(plan, random)
  if (random.once(20)) return atOnce(plan, random)
  return random.once(10) ? duringLogin(plan, random) : plan
}

/** We hear the server, and it does not hear us: nothing else happens to the connection. */
function unheard(plan: Plan, random: Random): Plan {
  const from = random.below(60_000)
  return {
    ...plan,
    outages: [{ from, to: null, which: 'toServer', how: random.pick(['held', 'swallowed']) }],
    ailments: [{ from, to: null, what: 'chatters' }],
    absences: [],
    ends: [],
    calls: plan.calls.filter(({ call }) => call !== 'close'),
    closeAt: from + 400_000,
  }
}

/** A peer that is not judged by silence, whose kernel takes nothing any more of an input that goes on. */
function untaken(plan: Plan, random: Random): Plan {
  const from = 1000 + random.below(60_000)
  const to = random.once(3) ? from + random.below(200_000) : null
  const isOut = random.once(2)
  const command = { ...makeCommand(random), reads: 'all', runMs: null } as const
  const exec = { ...makeExec(random, 1, 0), input: 500_000, inputEveryMs: random.pick([0, 10, 1000]) }
  return {
    ...plan,
    link: { ...plan.link, latencyMs: 10, sendBuffer: 16_384, receiveBuffer: 65_536, natTimeoutMs: null },
    client: { ...plan.client, wantReply: false, interval: plan.client.interval || 15_000 },
    outages: isOut ? [{ from, to, which: random.pick(['both', 'toServer', 'toClient']), how: 'dropped' }] : [],
    ailments: isOut ? [] : [{ from, to, what: random.pick(['stopped', 'deaf']) }],
    absences: random.once(3) ? plan.absences : [],
    ends: [],
    commands: [command, ...plan.commands.slice(1)],
    calls: [
      { ...exec, at: Math.max(0, from - random.below(2000)), abortAfterMs: null, closeAfterMs: null },
      ...plan.calls.filter((call) => call.call !== 'close' && !('command' in call && call.command === 0)),
    ],
    closeAt: from + 400_000,
  }
}

/** Everything that the program does falls into one second, and a key exchange too; its input is more than one window. */
function atOnce(plan: Plan, random: Random): Plan {
  const at = random.below(60_000)
  const calls: readonly CallPlan[] = [...plan.calls, { at, call: 'rekey' }]
  return {
    ...plan,
    server: { ...plan.server, window: 16_384 },
    commands: plan.commands.map((command) => ({ ...command, reads: random.pick(['all', 'nothing']) })),
    calls: calls.map((call) => {
      const then = { ...call, at: at + random.below(1000) }
      return then.call === 'run' ? { ...then, input: 100_000, stallMs: 1 + random.below(3000) } : then
    }),
    closeAt: Math.max(plan.closeAt, at + 30_000),
  }
}

/** Something goes wrong before the connection is ready. */
function duringLogin(plan: Plan, random: Random): Plan {
  const forMs = loginMs(plan)
  const calm = { ...plan, outages: [], ailments: [], absences: [], ends: [] }
  const absences = [{ ...makeAbsence(random, forMs, forMs) }]
  switch (random.below(5)) {
    case 0:
      return { ...calm, ailments: [{ ...makeAilment(random, forMs), what: random.pick(['stopped', 'deaf']) }] }
    case 1:
      return { ...calm, absences, outages: [makeOutage(random, forMs)] }
    case 2:
      return { ...calm, ends: [makeEnd(random, forMs)] }
    default:
      return { ...calm, outages: [makeOutage(random, forMs)] }
  }
}

/** A slow link that nothing else is wrong with, full of what one command writes while the program goes on calling. */
function onFullLink(plan: Plan, random: Random): Plan {
  const [first = makeCommand(random), ...others] = plan.commands
  const commands = [
    { ...first, stdout: 500_000 + random.below(2_000_000), everyMs: 0, piece: 65_536, runMs: null },
    ...others,
  ]
  const exec = { ...makeExec(random, 1, 0), readsPerSecond: null, abortAfterMs: null, closeAfterMs: null }
  const calls = plan.calls.filter((call) => !('command' in call) || call.command > 0)
  return {
    ...plan,
    link: { ...plan.link, latencyMs: 10, bytesPerMs: 48, lossEvery: null, sendBuffer: 2_097_152, natTimeoutMs: null },
    client: { ...plan.client, window: 2_097_152, interval: 15_000, wantReply: true },
    outages: [],
    ailments: [],
    absences: [],
    ends: [],
    commands,
    calls: [exec, ...calls.map((call) => ({ ...call, at: random.below(60_000) }))],
    closeAt: 300_000,
  }
}

import type { Random } from '../support/core/random.js'
import type { AbsencePlan, AilmentPlan, CallPlan, CommandPlan, EndPlan, OutagePlan, Plan } from './plan.js'

const waysOfEnding = ['server-closes', 'server-killed', 'half-closes', 'reset'] as const

/** About how long it takes until the connection is ready. */
export function loginMs({ link, server }: Pick<Plan, 'link' | 'server'>): number {
  return 100 + 12 * (link.latencyMs + server.lagMs)
}

export function makeOutage(random: Random, spanMs: number): OutagePlan {
  const from = random.below(spanMs)
  const forMs = random.below(random.pick([1000, 15_000, 30_000, 60_000, 200_000]))
  return {
    from,
    to: random.once(3) ? null : from + forMs,
    which: random.pick(['both', 'both', 'toServer', 'toClient']),
    how: random.pick(['dropped', 'dropped', 'dropped', 'held', 'swallowed']),
  }
}

export function makeAilment(random: Random, spanMs: number): AilmentPlan {
  const from = random.below(spanMs)
  const what = random.pick([
    'stopped',
    'stopped',
    'deaf',
    'silent',
    'leaves-rekey',
    'refuses-opens',
    'ignores-opens',
    'ignores-requests',
    'chatters',
    'chatters',
  ] as const)
  const heals = what !== 'leaves-rekey' && random.once(2)
  return { from, to: heals ? from + random.below(random.pick([5000, 60_000, 200_000])) : null, what }
}

export function makeAbsence(random: Random, spanMs: number, soonMs: number): AbsencePlan {
  const what = random.pick(['blocked', 'blocked', 'suspended'] as const)
  return {
    // Often in the middle of the handshake.
    from: random.below(random.once(3) ? soonMs : spanMs),
    forMs: random.below(random.pick([200, 2000, 20_000, 180_000])),
    what,
    networkBackMs: what === 'suspended' ? random.below(5000) : 0,
  }
}

export function makeEnd(random: Random, spanMs: number): EndPlan {
  return { at: random.below(spanMs), what: random.pick(waysOfEnding) }
}

export function makeCommand(random: Random): CommandPlan {
  const size = random.pick([0, 100, 5000, 40_000, 300_000])
  return {
    stdout: random.below(size + 1),
    stderr: random.once(3) ? random.below(size + 1) : 0,
    everyMs: random.pick([0, 10, 1000, 5000]),
    // Of a large output not so many pieces that a session does little else.
    piece: Math.max(random.pick([100, 4096, 32_768, 100_000]), Math.ceil(size / 50)),
    echo: random.once(4),
    reads: random.once(6) ? 'nothing' : 'all',
    runMs: random.once(4) ? null : random.below(random.pick([10, 1000, 60_000])),
    exit: random.pick([0, 0, 1, 'TERM', null]),
    closes: !random.once(6),
    outputOpenMs: random.once(6) ? random.pick([500, 5000, 60_000, null]) : 0,
    onTerm: random.once(4) ? 'ignores' : 'ends',
  }
}

export function makeExec(random: Random, spanMs: number, command: number): Extract<CallPlan, { call: 'exec' }> {
  return {
    at: random.below(spanMs),
    call: 'exec',
    command,
    input: random.below(random.pick([1, 1000, 100_000, 500_000])),
    inputEof: !random.once(4),
    inputEveryMs: random.once(3) ? random.pick([10, 1000, 5000]) : 0,
    readsPerSecond: random.once(4) ? random.pick([0, 1000, 50_000]) : null,
    abortAfterMs: random.once(8) ? random.below(random.pick([20, 1000, 20_000])) : null,
    closeAfterMs: random.once(6) ? random.below(60_000) : null,
  }
}

export function makeRun(random: Random, spanMs: number, command: number): CallPlan {
  const limit = (times: number) => (random.once(times) ? 1 + random.below(random.pick([1000, 30_000, 120_000])) : null)
  return {
    at: random.below(spanMs),
    call: 'run',
    command,
    input: random.below(random.pick([1, 1000, 100_000, 500_000])),
    timeoutMs: limit(3),
    idleMs: limit(6),
    firstByteMs: limit(8),
    stallMs: limit(8),
    maxBuffer: random.once(8) ? 1 + random.below(50_000) : 10_000_000,
    abortAfterMs: random.once(8) ? random.below(random.pick([20, 1000, 20_000])) : null,
    secondSession: random.once(3) ? 'auto' : 'never',
  }
}

export function makeCall(random: Random, spanMs: number, leastMs: number): CallPlan {
  const at = random.below(spanMs)
  const abortAfterMs = random.once(6) ? random.below(random.pick([20, 1000, 10_000])) : null
  switch (random.below(12)) {
    case 0:
      return { at, call: 'close', timeoutMs: random.pick([500, 2000, 10_000]) }
    case 1:
      return {
        at,
        call: 'configure',
        interval: Math.max(leastMs, random.pick([1000, 5000, 15_000, 60_000])),
        countMax: 1 + random.below(4),
      }
    case 2:
    case 3:
      return { at, call: 'rekey' }
    case 4:
    case 5:
    case 6:
    case 7:
      return { at, call: 'probe', timeoutMs: random.pick([1000, 15_000]), abortAfterMs }
    default:
      return { at, call: 'global-request', abortAfterMs }
  }
}

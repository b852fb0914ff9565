import { defaultAlgorithms } from '#src/kex/algorithms.js'
import { Random } from '../support/core/random.js'
import { quick } from './machine/quick.js'
import type {
  AbsencePlan,
  AilmentPlan,
  CallPlan,
  ClientPlan,
  CommandPlan,
  EndPlan,
  LinkPlan,
  OutagePlan,
  Plan,
  Probe,
  ServerPlan,
} from './plan.js'
import { answerMs } from './run.js'

/** Decides everything about one bad day from its seed. */
export function makePlan(seed: number): Plan {
  const random = new Random(seed)
  const plan = makeAny(seed, random)
  if (random.once(30)) return onFullLink(plan, random)
  return random.once(30) ? unheard(plan, random) : plan
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

function makeAny(seed: number, random: Random): Plan {
  const spanMs = random.pick([20_000, 60_000, 120_000, 300_000])
  const link = makeLink(random)
  const server = makeServer(random)
  // The interval leaves the peer time to answer on this link: else it would be too short for it.
  const leastMs = Math.ceil(answerMs({ link, server }) / 1000) * 1000
  const client = makeClient(random, leastMs)
  const loginMs = 100 + 12 * (link.latencyMs + server.lagMs)
  const commands = some(random, 4, () => makeCommand(random))
  const outages = some(random, 3, () => makeOutage(random, spanMs))
  const ailments = random.once(2) ? distinct(some(random, 2, () => makeAilment(random, spanMs))) : []
  const absences = random.once(3) ? apart(some(random, 2, () => makeAbsence(random, spanMs, loginMs))) : []
  const ends: EndPlan[] = random.once(6)
    ? [{ at: random.below(spanMs), what: random.pick(['server-closes', 'server-killed', 'half-closes', 'reset']) }]
    : []
  const calls = [
    ...commands.map((_command, index) =>
      random.once(2) ? makeExec(random, spanMs, index) : makeRun(random, spanMs, index),
    ),
    ...some(random, 5, () => makeCall(random, spanMs, leastMs)),
  ]
  return {
    seed,
    link,
    client,
    server,
    outages: random.once(3) ? [] : outages,
    ailments,
    absences,
    ends,
    commands,
    calls: calls.toSorted((a, b) => a.at - b.at),
    closeAt: spanMs + random.pick([0, 0, 100_000, 100_000, 200_000, 300_000, 900_000]),
  }
}

function some<T>(random: Random, max: number, make: () => T): T[] {
  return Array.from({ length: random.below(max + 1) }, make)
}

/** A server gets well of each but once. */
function distinct(ailments: readonly AilmentPlan[]): AilmentPlan[] {
  return ailments.filter(({ what }, index) => ailments.findIndex((other) => other.what === what) === index)
}

/** Nobody is away twice at once. */
function apart(absences: readonly AbsencePlan[]): AbsencePlan[] {
  const kept: AbsencePlan[] = []
  for (const absence of absences.toSorted((a, b) => a.from - b.from)) {
    const last = kept.at(-1)
    if (last === undefined || last.from + last.forMs < absence.from) kept.push(absence)
  }
  return kept
}

function makeLink(random: Random): LinkPlan {
  const latencyMs = random.pick([0, 1, 10, 50, 150, 400])
  // With buffers this small a far peer would be slower than any link.
  const isFar = latencyMs > 50
  return {
    isCut: random.once(8),
    latencyMs,
    jitterMs: random.pick([0, 0, 5, 100]),
    bytesPerMs: random.pick([null, null, 10_000, 1000, 48]),
    lossEvery: random.pick([null, null, null, 100, 10]),
    sendBuffer: random.pick([isFar ? 87_380 : 16_384, 87_380, 2_097_152]),
    receiveBuffer: random.pick([isFar ? 131_072 : 65_536, 131_072, 1_048_576]),
    natTimeoutMs: random.pick([null, null, null, null, 25_000, 60_000, 300_000]),
  }
}

function makeClient(random: Random, leastMs: number): ClientPlan {
  const interval = random.pick([2000, 5000, 15_000, 15_000, 15_000, 30_000])
  return {
    interval: random.once(15) ? false : Math.max(interval, leastMs),
    countMax: random.pick([1, 2, 3, 3, 3, 5]),
    wantReply: !random.once(15),
    window: random.pick([16_384, 65_536, 2_097_152]),
    rekeyBytes: random.once(8) ? 100_000 : 2 ** 30,
    rekeyMs: random.once(8) ? 60_000 : 3_600_000,
    ...makeAlgorithms(random),
    clockSleeps: !random.once(3),
    remembers: random.once(10) ? random.pick(['mute', ['ping'], ['ping', 'global-request']] as const) : [],
  }
}

/** Real ones cost more than the rest of a session. */
function makeAlgorithms(random: Random): Pick<ClientPlan, 'kex' | 'cipher'> {
  if (!random.once(20)) return { kex: quick, cipher: quick }
  const kex = random.pick(['curve25519-sha256', 'curve25519-sha256', 'ecdh-sha2-nistp256', 'mlkem768x25519-sha256'])
  return { kex, cipher: random.pick(defaultAlgorithms.cipher) }
}

/** What servers pass over in silence; the last of these none of our questions but a key exchange. */
const deafnesses: readonly (readonly Probe[])[] = [
  ['ping'],
  ['global-request'],
  ['ping', 'global-request'],
  ['ping', 'global-request', 'channel-request'],
  ['ping', 'global-request', 'channel-request', 'channel-open'],
]

function makeServer(random: Random): ServerPlan {
  return {
    window: random.pick([16_384, 65_536, 2_097_152]),
    rekeyBytes: random.once(8) ? 200_000 : 2 ** 30,
    rekeyMs: random.once(8) ? 90_000 : 3_600_000,
    lagMs: random.pick([0, 0, 0, 0, 5, 500, 2000]),
    ping: !random.once(3),
    deafTo: random.once(6) ? random.pick(deafnesses) : [],
    interval: random.once(5) ? random.pick([1000, 15_000]) : false,
    maxSessions: random.pick([1, 10, 10, 10]),
    passesSignals: !random.once(4),
  }
}

function makeOutage(random: Random, spanMs: number): OutagePlan {
  const from = random.below(spanMs)
  const forMs = random.below(random.pick([1000, 15_000, 30_000, 60_000, 200_000]))
  return {
    from,
    to: random.once(3) ? null : from + forMs,
    which: random.pick(['both', 'both', 'toServer', 'toClient']),
    how: random.pick(['dropped', 'dropped', 'dropped', 'held', 'swallowed']),
  }
}

function makeAilment(random: Random, spanMs: number): AilmentPlan {
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

function makeAbsence(random: Random, spanMs: number, loginMs: number): AbsencePlan {
  const what = random.pick(['blocked', 'blocked', 'suspended'] as const)
  return {
    // Often in the middle of the handshake.
    from: random.below(random.once(3) ? loginMs : spanMs),
    forMs: random.below(random.pick([200, 2000, 20_000, 180_000])),
    what,
    networkBackMs: what === 'suspended' ? random.below(5000) : 0,
  }
}

function makeCommand(random: Random): CommandPlan {
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

function makeExec(random: Random, spanMs: number, command: number): CallPlan {
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

function makeRun(random: Random, spanMs: number, command: number): CallPlan {
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

function makeCall(random: Random, spanMs: number, leastMs: number): CallPlan {
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

import { defaultAlgorithms } from '#src/kex/algorithms.js'
import { Random } from '../support/core/random.js'
import { quick } from './machine/quick.js'
import {
  loginMs,
  makeAbsence,
  makeAilment,
  makeCall,
  makeCommand,
  makeEnd,
  makeExec,
  makeOutage,
  makeRun,
} from './make-parts.js'
import { makeSpecial } from './make-special.js'
import type { AbsencePlan, AilmentPlan, ClientPlan, EndPlan, LinkPlan, Plan, Probe, ServerPlan } from './plan.js'
import { answerMs } from './run.js'

/** Decides everything about one bad day from its seed. */
export function makePlan(seed: number): Plan {
  const random = new Random(seed)
  return makeSpecial(makeAny(seed, random), random)
}

function makeAny(seed: number, random: Random): Plan {
  const spanMs = random.pick([20_000, 60_000, 120_000, 300_000])
  const link = makeLink(random)
  const server = makeServer(random)
  // The interval leaves the peer time to answer on this link: else it would be too short for it.
  const leastMs = Math.ceil(answerMs({ link, server }) / 1000) * 1000
  const client = makeClient(random, leastMs)
  const commands = some(random, 4, () => makeCommand(random))
  const outages = some(random, 3, () => makeOutage(random, spanMs))
  const ailments = random.once(2) ? distinct(some(random, 2, () => makeAilment(random, spanMs))) : []
  const absences = random.once(3)
    ? apart(some(random, 2, () => makeAbsence(random, spanMs, loginMs({ link, server }))))
    : []
  const ends: EndPlan[] = random.once(6) ? [makeEnd(random, spanMs)] : []
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

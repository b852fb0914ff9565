import { defaultLimits } from '#src/client/limits.js'
import { pieceMax } from '../pattern.js'
import { answerMs, answersOutOfLine, heardSlackMs, type Invariant, type Run } from '../run.js'
import type { Trouble } from '../trouble.js'

/** Timers are rounded up to a millisecond, and each wake before a verdict may be a little late. */
const slackMs = 100

/** docs/liveness.md: a reply clock stands still for at most ten times its limit. */
const patience = 10
/** src/liveness/silence.ts */
const excusesMax = 3

/** Identification, key exchange before and after the host key was trusted, authentication (docs/defaults.md). */
const handshakeMs = 10_000 + 2 * 10_000 + 20_000

/**
 * Liveness completeness: after trouble that never ends the connection ends within the bound stated for it.
 *
 * Bounds (docs/liveness.md):
 * - before authentication: the limits of its steps, one after the other, each made up once for time that was lost;
 * - silence: `(countMax + 1) x interval` after the last packet;
 * - a peer that is heard and does not hear: `oneWayMs`, from when the trouble began, it last said much, or it closed a
 *   session that the question stood on;
 * - where neither is judged, bytes that the kernel does not take: the bound of silence, from the last that it took;
 * - time in which we were absent does not count, and each absence, up to three in one silence, begins the count anew.
 * A one-way fault that meets a key exchange has its limit, `rekey`, besides.
 * Nothing else is promised without a bound: `wantReply: false`, a mute peer; and nothing at all with the keepalive off.
 */
export function deadIsNoticed(): Invariant {
  const seen = { flow: new HeavyFlow(), unjudgedAt: 0 }
  return { name: 'trouble that never ends is noticed within the bound', check: (run) => check(run, seen) }
}

interface Seen {
  readonly flow: HeavyFlow
  /** When the peer was last not judged, as while it seems mute: an answer from before the trouble may come late. */
  unjudgedAt: number
}

function check(run: Run, seen: Seen): string | undefined {
  const { client, world } = run
  const now = world.now()
  if (client.ending !== undefined || client.process.isBehind || run.user.closedAt !== undefined) return undefined
  if (!client.isReady) {
    const boundMs = handshakeMs + 2 * run.absentMs(0)
    return now > boundMs + slackMs ? 'it is neither ready nor over, and the limits of the handshake are' : undefined
  }
  const lasting = lastingTroubles(run)
  if (lasting.length === 0) return undefined
  const { bound } = client.connection.keepalive.liveness(client.process.now())
  const { interval, countMax } = client.connection.keepalive.settings
  // Whether it has one is not for the client to say.
  if (bound === null && interval !== false && !mayHaveNoBound(run))
    return 'it has no bound, though the server answers questions'
  if (bound === null || interval === false) {
    seen.unjudgedAt = now
    return interval === false ? undefined : untakenTooLong(run, interval, countMax)
  }
  const terms = { run, interval, countMax, excusedMs: excusedMs(run, interval, countMax) }
  if (lasting.some(({ isSilence }) => isSilence)) return silentTooLong(terms)
  return unheardTooLong(terms, Math.min(...lasting.map(({ from }) => from)), seen)
}

/** Where silence is not judged, bytes that nobody takes are, by the same bound; a late wake gives an interval more. */
function untakenTooLong(run: Run, interval: number, countMax: number): string | undefined {
  const { client, user, plan, world } = run
  if (client.untakenSince === undefined) return undefined
  const since = Math.max(client.untakenSince, client.heardAt, user.configuredAt)
  const excused = 2 * run.absentMs(since) + plan.absences.length * interval
  const boundMs = (countMax + 1) * interval + excused + heardSlackMs
  if (world.now() <= since + boundMs + slackMs) return undefined
  return `the kernel has taken nothing since ${client.untakenSince} ms, and the bound of ${boundMs} ms is over`
}

function mayHaveNoBound({ plan: { client, server, ailments } }: Run): boolean {
  const isMuteAtTimes = ailments.some(({ what }) => what === 'silent' || what === 'ignores-requests')
  return !client.wantReply || server.deafTo.length > 0 || client.remembers.length > 0 || isMuteAtTimes
}

interface Terms {
  readonly run: Run
  readonly interval: number
  readonly countMax: number
  readonly excusedMs: number
}

function lastingTroubles({ troubles, world }: Run): Trouble[] {
  const now = world.now()
  return troubles.all.filter(({ to, from, spoils }) => to === Infinity && from <= now && spoils === 'everything')
}

/** A question of a count that was begun anew has an interval and two round trips for its answer. */
function stepMs({ plan, troubles, client }: Run, interval: number): number {
  const healed = troubles.all.filter(({ feltUntil }) => feltUntil !== Infinity)
  // It may be that no other answer was ever measured than one that a trouble held up, or an absence that was no lost time.
  const longestFeltMs = Math.max(0, ...healed.map(({ from, feltUntil }) => feltUntil - from))
  // Before the first answer to a question the quickest of the login counts, which TCP may have repeated for long after one.
  const { rttMs } = client.connection.keepalive.liveness(client.process.now())
  const measuredMs = rttMs === null ? Math.max(interval, client.heardAt) : interval
  const absentMs = plan.absences.length > 0 ? measuredMs : 0
  return Math.max(interval, 2 * Math.max(absentMs, answerMs(plan) + longestFeltMs))
}

/** What absences and new settings in this silence add to its bound. */
function excusedMs(run: Run, interval: number, countMax: number): number {
  const { client, plan, user, world } = run
  // What was heard in the instant of a call may have been heard before it.
  const since = client.heardAt - heardSlackMs
  // That the machine slept shows at the next wake, when something may have been heard since.
  const absences = plan.absences.filter(({ from, forMs }) => from < world.now() && from + forMs >= since - interval)
  // New settings begin the count anew only where they make something overdue.
  const begunAnew = Math.min(excusesMax, absences.length) + (user.configuredAt >= since + interval ? 1 : 0)
  // Where our questions are given the answers of others, nobody knows how long a round trip takes.
  if (begunAnew > 0 && answersOutOfLine(run)) return Number.POSITIVE_INFINITY
  return run.absentMs(since) + begunAnew * (countMax + 2) * stepMs(run, interval)
}

function silentTooLong({ run, interval, countMax, excusedMs: excused }: Terms): string | undefined {
  const { client, world, user } = run
  const boundMs = (countMax + 1) * interval + excused + heardSlackMs
  if (world.now() <= Math.max(client.heardAt, user.configuredAt) + boundMs + slackMs) return undefined
  return `nothing was heard since ${client.heardAt} ms, and the bound of ${boundMs} ms is over`
}

function unheardTooLong({ run, interval, countMax, excusedMs: excused }: Terms, from: number, seen: Seen) {
  const { client, world, plan, user } = run
  // Ours may be in the way for as long as no window says that it was read.
  const inputs = user.commands.reduce((sum, { written }) => sum + written, user.runs.length * pieceMax)
  // Its answer is waited for behind what the peer says, for as long as that is much.
  const since = Math.max(
    from,
    user.configuredAt,
    seen.unjudgedAt,
    seen.flow.lastAt(run, interval),
    client.tap?.voidedAt ?? 0,
  )
  const bareMs = oneWayMs(interval, countMax, client.longestGapSince(from), inputs)
  const boundMs = bareMs + excused + exchangeMs(run)
  if (world.now() <= since + boundMs + answerMs(plan) + slackMs) return undefined
  return `the peer has not heard us since ${from} ms, and the bound of ${boundMs} ms is over`
}

/** The table of docs/liveness.md, One-way loss: for what we hear at such gaps, with so many bytes in the way. */
function oneWayMs(interval: number, countMax: number, gapMs: number, inTheWay: number): number {
  // The last question may have to wait as long as the one before.
  const inTheWayMs = (2 * 1000 * inTheWay) / 4000
  if (gapMs <= interval) return (countMax + 3) * interval + inTheWayMs
  return (countMax + 1) * gapMs + 3 * interval + inTheWayMs * (gapMs / interval)
}

/** While keys are exchanged nothing can be asked: then the limit `rekey` ends the connection, on the reply clock. */
function exchangeMs({ plan: { client, server, calls }, client: party }: Run): number {
  // A peer of which nothing that it answers can be asked is asked by each other kind, and last of all by a key exchange.
  const isLastAsked = party.tap?.inKeyExchange === true
  if (isLastAsked || party.connection.keepalive.liveness(party.process.now()).rttMs === null)
    return 2 * patience * defaultLimits.rekey
  const isDue = [client, server].some(({ rekeyMs, rekeyBytes }) => rekeyMs < 3_600_000 || rekeyBytes < 2 ** 30)
  return isDue || calls.some(({ call }) => call === 'rekey') ? patience * defaultLimits.rekey : 0
}

/** Bytes a second from which on an answer may be waiting behind what comes (src/liveness/answer-age.ts), by half. */
const heavyFlow = 500

/** When the peer last said so much that an answer may have had to wait behind it. */
class HeavyFlow {
  #at = 0

  lastAt({ client, world }: Run, interval: number): number {
    const now = world.now()
    if (client.bytesSince(now - 2 * interval) >= (heavyFlow * interval) / 1000) this.#at = now
    return this.#at
  }
}

import { oneWayBound } from '#src/liveness/answer-age.js'
import { answerMs, type Invariant, type Run } from '../run.js'

/** Timers are rounded up to a millisecond, and each wake before a verdict may be a little late. */
const slackMs = 100

/** Identification, key exchange before and after the host key was trusted, authentication (docs/defaults.md). */
const handshakeMs = 10_000 + 2 * 10_000 + 20_000

/**
 * Liveness completeness: after trouble that never ends the connection ends within the bound stated for it.
 *
 * Bounds (docs/liveness.md):
 * - before authentication: the limits of its steps, one after the other, each made up once for time that was lost;
 * - silence: `(countMax + 1) x interval` after the last byte;
 * - a peer that is heard and does not hear: `oneWayBound`, from when the trouble began;
 * - time in which we were absent does not count, and each absence, up to three in one silence, begins the count anew.
 * Nothing is promised without a bound: keepalive off, `wantReply: false`, a mute peer.
 */
export function deadIsNoticed(): Invariant {
  return { name: 'trouble that never ends is noticed within the bound', check }
}

function check(run: Run): string | undefined {
  const { client, world, troubles } = run
  const now = world.now()
  if (client.ending !== undefined || client.process.isBehind || run.user.closedAt !== undefined) return undefined
  const lasting = troubles.all.filter(
    ({ to, from, spoils }) => to === Infinity && from <= now && spoils === 'everything',
  )
  if (!client.isReady) {
    const boundMs = handshakeMs + 2 * run.absentMs(0)
    return now > boundMs + slackMs ? `it was not ready at ${now} ms, and not over` : undefined
  }
  if (lasting.length === 0) return undefined
  return overdue(
    run,
    Math.min(...lasting.map(({ from }) => from)),
    lasting.some(({ isSilence }) => isSilence),
  )
}

/** Of what has healed: an answer may have come as late as that, and be the only one that was ever measured. */
function longestFeltMs({ troubles }: Run): number {
  const healed = troubles.all.filter(({ feltUntil }) => feltUntil !== Infinity)
  return Math.max(0, ...healed.map(({ from, feltUntil }) => feltUntil - from))
}

function overdue(run: Run, from: number, isSilence: boolean): string | undefined {
  const { client, world, plan, user } = run
  const { keepalive } = client.connection
  const { bound } = keepalive.liveness(client.process.now())
  const { interval, countMax } = keepalive.settings
  if (bound === null || interval === false) return undefined
  const now = world.now()
  const absences = run.plan.absences.filter(
    (absence) => absence.from < now && absence.from + absence.forMs >= client.heardAt,
  )
  // A count that was begun anew gives every answer two round trips, and one that an absence made longer is no longer
  // than the interval, or it is known as lost time.
  const stepMs = 2 * Math.max(absences.length > 0 ? interval : interval / 2, answerMs(plan) + longestFeltMs(run))
  const excusedMs =
    run.absentMs(Math.min(from, client.heardAt)) + Math.min(3, absences.length) * (countMax + 2) * stepMs
  const settledAt = Math.max(client.heardAt, user.configuredAt)
  if (
    isSilence &&
    now > Math.max(settledAt, from) + (user.configuredAt > 0 ? (countMax + 1) * stepMs : bound) + excusedMs + slackMs
  )
    return `nothing was heard since ${client.heardAt} ms, and the bound of ${bound} ms is over`
  const gapMs = Math.max(client.longestGapSince(from), interval)
  const bytes = 2 * (user.commands.length + 1) * (plan.client.window + plan.server.window) + 2 ** 20
  const oneWayMs = oneWayBound({ interval, countMax }, gapMs, bytes) + answerMs(plan)
  if (now <= Math.max(from, user.configuredAt) + oneWayMs + excusedMs + slackMs) return undefined
  return `the peer has not heard us since ${from} ms, and the bound of ${oneWayMs} ms is over`
}

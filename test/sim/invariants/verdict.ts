import type { VerdictReason } from '#src/liveness/port.js'
import { answerMs, backlogMs, heardSlackMs, type Invariant, type Run, transferMs } from '../run.js'

/**
 * Liveness safety. A verdict needs trouble that explains it: from the question on that a healthy peer would have
 * answered, until the verdict, without a gap in which an answer would have come.
 *
 * Bounds (docs/liveness.md, DESIGN section 3):
 * - no verdict by silence before `(countMax + 1) x interval` have passed since the last byte, on our own clock;
 * - silent from h on, the peer is first asked at `h + interval`: trouble that begins after the answer to that, or is over
 *   one answer before the verdict, explains nothing. A fault of length L is felt for L more, and one wait of TCP;
 * - a one-way verdict needs a question that has waited for `(countMax + 1)` intervals, with nothing answered that was asked
 *   later; a key exchange and new settings begin the count anew, and what is on its way may hold it up;
 * - one by writes needs the same as silence.
 */
export function verdictIsDeserved(): Invariant {
  return { name: 'a peer is given up only for trouble that explains it', check }
}

function check(run: Run): string | undefined {
  const { client, world } = run
  if (client.ending?.at !== world.now() || client.ending.cause.code !== 'ERR_SSH_PEER_DEAD') return undefined
  const reason = client.changes.at(-1)?.change.reason
  if (reason === undefined) return 'the verdict has no reason'
  return early(run, reason) ?? unexplained(run, reason)
}

function early(run: Run, reason: VerdictReason): string | undefined {
  const { client } = run
  const { interval, countMax } = client.connection.keepalive.settings
  if (interval === false) return 'there is a verdict although the keepalive is off'
  const boundMs = (countMax + 1) * interval
  if (reason === 'one-way') return oneWayEarly(run, boundMs)
  const silentMs = client.process.now() - client.heardAtOwn
  if (silentMs < boundMs - heardSlackMs)
    return `the verdict (${reason}) came after ${silentMs} ms of silence, before the bound`
  if (reason === 'writes' && (client.untaken === 0 || client.process.now() - client.tookAtOwn < boundMs - 1))
    return 'the verdict (writes) came although the kernel had taken something'
  return undefined
}

function oneWayEarly({ client: { tap }, world, user }: Run, boundMs: number): string | undefined {
  if (tap === undefined) return undefined
  const exchangeAt = tap.isPeerInExchange ? undefined : tap.ourExchangeAt
  const askedFrom = Math.min(tap.oldestUnanswered()?.askedAt ?? Infinity, exchangeAt ?? Infinity)
  const since = Math.max(askedFrom, tap.newKeysAt, user.configuredAt)
  if (world.now() - since >= boundMs - 1) return undefined
  return `the verdict (one-way) came when the oldest question had waited since ${since} ms, before the bound of ${boundMs} ms`
}

function unexplained(run: Run, reason: VerdictReason): string | undefined {
  const { troubles, world, plan } = run
  const now = world.now()
  const since = askedAt(run, reason)
  const graceMs = answerMs(plan) + inTheWayMs(run, reason)
  if (troubles.explain([], since, now, graceMs)) return undefined
  // A server that answers PING owes no answer to a request.
  const { server, client } = plan
  const isAskedByPing = server.ping && !server.deafTo.includes('ping') && !client.remembers.includes('ping')
  const spoiled = isAskedByPing ? (['probes'] as const) : (['probes', 'requests'] as const)
  if (troubles.explain([...spoiled, 'key-exchanges'], since, now, graceMs)) return lastUnasked(run, graceMs)
  return `the verdict (${reason}) is not deserved: the peer could answer what was asked at ${Math.round(since)} ms within ${Math.round(graceMs)} ms`
}

/** A server that leaves our questions unanswered, and lives, answers a key exchange. */
function lastUnasked({ client, troubles, world, excuses }: Run, graceMs: number): string | undefined {
  const now = world.now()
  const at = lastAskedAt(client)
  if (at === undefined) return `the verdict is not deserved: no key exchange was asked since ${client.heardAt} ms`
  if (troubles.explain([], at, now, graceMs)) return undefined
  if (!troubles.explain(['key-exchanges'], at, now, graceMs))
    return `the verdict is not deserved: the peer could answer the key exchange that was asked at ${at} ms`
  excuses.add('a verdict on a server that left a key exchange unanswered')
  return undefined
}

/** When the peer was last asked for its part in the key exchange that is under way: what it said in it was answered. */
function lastAskedAt({ tap, heardAt }: Run['client']): number | undefined {
  const from = tap?.ourExchangeAt
  return from === undefined || tap?.isPeerInExchange === false ? from : Math.max(from, heardAt)
}

function inTheWayMs(run: Run, reason: VerdictReason): number {
  const { client, plan, user } = run
  if (reason === 'one-way') return backlogMs(run, user.commands.length)
  // They may have been taken but for the last byte when the trouble began.
  return reason === 'writes' ? transferMs(plan, client.unreported) : 0
}

/** When the question was asked whose answer would have prevented the verdict. */
function askedAt({ client, world, plan, user }: Run, reason: VerdictReason): number {
  const { interval, countMax } = client.connection.keepalive.settings
  if (interval === false) return 0
  const now = world.now()
  // A question to which the peer is deaf counts for the oldest until one that was asked later is answered.
  const isDeafToOldest =
    reason === 'one-way' && plan.server.deafTo.some((kind) => kind === client.tap?.oldestUnanswered()?.probe)
  if (reason !== 'silence') return now - (isDeafToOldest ? countMax : countMax + 1) * interval
  // A peer that is deaf to some questions is only sure to answer the last one, a key exchange; and one that has left them
  // unanswered for a while is asked by nothing else since.
  const wasSilent = plan.ailments.some(({ what, from }) => what === 'silent' && from < now)
  if (wasSilent || plan.server.deafTo.length > 0) return lastAskedAt(client) ?? now - interval
  // What went out before another interval held may have been no question.
  const from = Math.max(client.heardAt + interval - 1, user.configuredAt)
  return client.wrote.find((at) => at >= from) ?? from
}

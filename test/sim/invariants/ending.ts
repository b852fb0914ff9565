import type { ErrorCode } from '#src/errors.js'
import { answerMs, backlogMs, type Invariant, type Run } from '../run.js'

/**
 * A connection ends for a reason that is true: whoever ended it did, and a limit on the peer ends it only where trouble
 * explains that the peer did not keep it. The limits are those of docs/defaults.md; each is held on the clock that
 * docs/liveness.md names, so trouble must cover the time from when it began to run.
 */
export function endingIsTrue(): Invariant {
  const watch = { since: undefined as number | undefined }
  return {
    name: 'the connection ends for a reason that is true',
    check: (run) => foundFault(run) ?? unnoticed(run, watch) ?? check(run),
  }
}

/**
 * A server that ends the connection for what it was sent was sent something wrong, unless the way swallowed a part of it,
 * or the server passed over the NEWKEYS.
 */
function foundFault({ server, plan }: Run): string | undefined {
  const { ending } = server.party
  if (ending?.cause.code !== 'ERR_SSH_PROTOCOL') return undefined
  const isBroken =
    plan.outages.some(({ how }) => how === 'swallowed') || plan.ailments.some(({ what }) => what === 'leaves-rekey')
  if (isBroken) return undefined
  return `the server ended it: ${ending.cause.code}: ${ending.cause.message}`
}

/** The end of the stream is no matter of keepalives. */
function unnoticed({ client, world }: Run, watch: { since: number | undefined }): string | undefined {
  if (client.ending !== undefined || !client.isStreamOver || client.process.isBehind) watch.since = undefined
  else watch.since ??= world.now()
  const isLate = watch.since !== undefined && world.now() > watch.since + 100
  return isLate ? 'the stream has ended, and the connection has not' : undefined
}

function check(run: Run): string | undefined {
  const { ending } = run.client
  if (ending === undefined || ending.at !== run.world.now()) return undefined
  const { cause } = ending
  const judge = judges[cause.code]
  if (judge !== undefined) return judge(run)
  const why = cause.cause instanceof Error ? `: ${cause.cause.message}` : ''
  return `${cause.code}: ${cause.message}${why}`
}

const lost = (run: Run) => (wasEnded(run) ? undefined : 'nobody ended the stream')

/** Everything else that can end a connection would be a fault of ours, since this peer breaks no protocol. */
const judges: Readonly<Partial<Record<ErrorCode, (run: Run) => string | undefined>>> = {
  // See verdict.ts.
  ERR_SSH_PEER_DEAD: () => undefined,
  ERR_SSH_CLOSED: ({ user }) => (user.closedAt === undefined ? 'nobody closed the client' : undefined),
  ERR_SSH_CONNECTION_LOST: lost,
  ERR_SSH_DISCONNECTED: lost,
  ERR_SSH_TIMEOUT: limitExplained,
}

/** By the plan, or by a kernel that has sent the same bytes again for a quarter of an hour. */
function wasEnded({ plan, server, world, troubles }: Run): boolean {
  const now = world.now()
  if (plan.ends.some(({ at }) => at <= now) || server.party.ending !== undefined) return true
  return troubles.all.some(({ from, feltUntil }) => from <= now && Math.min(feltUntil, now) - from > 300_000)
}

function limitExplained(run: Run): string | undefined {
  const { client, world, plan, troubles, user } = run
  const { cause, at } = client.ending ?? {}
  if (cause?.limitMs === undefined || at === undefined) return 'a limit without a length'
  const graceMs = answerMs(plan) + backlogMs(run, user.commands.length)
  if (troubles.explain(['key-exchanges'], world.now() - cause.limitMs, at, graceMs)) return undefined
  return `the limit ${cause.limit} of ${cause.limitMs} ms ended a connection whose peer had nothing wrong with it: ${cause.message}`
}

import { answerMs, answersOutOfLine, backlogMs, type Invariant, type Run } from '../run.js'

/** A channel that we close is given up after this (docs/defaults.md, `channelClose`), and the peer's CLOSE comes later. */
const closeMs = 2000

/**
 * Every reply reaches the request that it belongs to, though waiters give up (RFC 4254 section 4), and a channel that is
 * confirmed after its caller gave up is closed: the server is left with no session of which we know nothing.
 */
export function nothingGoesAstray(): Invariant {
  const watch = { since: undefined as number | undefined }
  const ownerlessWatch = { since: undefined as number | undefined }
  return {
    name: 'no reply and no channel goes astray',
    check: (run) => strayReply(run) ?? orphan(run, watch) ?? ownerless(run, ownerlessWatch),
  }
}

function strayReply(run: Run): string | undefined {
  const { strayReply: stray } = run.user
  return stray === undefined || answersOutOfLine(run) ? undefined : `a global request was answered with ${stray}`
}

function orphan(run: Run, watch: { since: number | undefined }): string | undefined {
  const { client, server, user, world, troubles, plan } = run
  const known = [...client.connection.channels].length
  if (client.ending !== undefined || server.sessions <= known || hasPendingOpen(run)) {
    watch.since = undefined
    return undefined
  }
  watch.since ??= world.now()
  // What tells us of a session may come behind all that the server was allowed to send.
  const graceMs = 2 * answerMs(plan) + closeMs + backlogMs(run, plan.commands.length)
  const isLate = world.now() > watch.since + graceMs && user.closedAt === undefined
  const isSpoilt = troubles.all.length > 0 || plan.absences.length > 0
  return isLate && !isSpoilt ? `the server holds ${server.sessions} sessions, of which we know ${known}` : undefined
}

/** A channel of which nobody waits for anything any more is closed at once, whatever the peer does. */
function ownerless({ client, user, world }: Run, watch: { since: number | undefined }): string | undefined {
  const open = [...client.connection.channels].filter(({ isOpen }) => isOpen).length
  // Each command may have a helper that ends it from a second session.
  const owners = user.commands.filter(({ over }) => over === undefined).length
  const running = user.runs.filter(({ outcome }) => outcome === undefined).length
  if (open <= owners + 2 * running || client.process.isBehind || user.closedAt !== undefined) watch.since = undefined
  else watch.since ??= world.now()
  const isLate = watch.since !== undefined && world.now() > watch.since + closeMs
  return isLate ? `${open} channels are open, of ${owners} commands and ${running} runs` : undefined
}

function hasPendingOpen({ user }: Run): boolean {
  for (const { kind } of user.calls.pending) if (kind === 'open' || kind === 'run') return true
  return false
}

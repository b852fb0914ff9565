import { answerMs, type Invariant, type Run } from '../run.js'

/**
 * Promise 1: an idle connection survives a NAT that forgets after longer than the interval, by the probes alone, while
 * nothing else is wrong. A probe goes out after an interval of silence, and TCP may need a while to get it through.
 */
export function natIsKeptOpen(): Invariant {
  return { name: 'a NAT does not forget a connection that is kept alive', check }
}

function check({ path, plan, user, client }: Run): string | undefined {
  const { forgottenAt } = path
  if (forgottenAt === Number.POSITIVE_INFINITY || plan.link.natTimeoutMs === null || !client.isReady) return undefined
  const { interval } = plan.client
  const isDisturbed = plan.outages.length + plan.ailments.length + plan.absences.length + plan.ends.length > 0
  if (interval === false || isDisturbed || user.configuredAt > 0 || (user.closedAt ?? Infinity) < forgottenAt)
    return undefined
  if (plan.link.natTimeoutMs <= interval + answerMs(plan)) return undefined
  return `the NAT forgot an idle connection at ${forgottenAt} ms`
}

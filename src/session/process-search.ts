import type { Listing } from './process-helper.js'
import type { Child } from './process-script.js'

/** The process that runs a session, or why it cannot be told. */
export type SearchResult = { readonly child: Child } | { readonly problem: string }

/** Two processes that began in the same hundredth of a second: pids tell their order, unless they wrapped around. */
const maxPidStep = 10_000

/**
 * Tells which child of the connection's sshd runs the session at `index` of `count`, in the order in which they were
 * asked for, all of them before the helper. An sshd starts one child for each in that order and says when one has ended,
 * so children and sessions match one to one, or this is no sshd that we know.
 */
export function findChild({ self, children }: Omit<Listing, 'sessions'>, index: number, count: number): SearchResult {
  const helper = children.find(({ pid }) => pid === self)
  if (helper === undefined || helper.group !== self)
    return { problem: 'the server starts its sessions in a way that does not tell one from another' }
  const earlier = helper.start === '-' ? others(children, helper) : startedBefore(children, helper)
  if (earlier === undefined || (helper.start === '-' && count > 1)) return { problem: 'several processes could be it' }
  if (earlier.length !== count)
    return { problem: `the server runs ${earlier.length} processes for ${count} commands, so none is certain to be it` }
  const child = earlier[index]
  if (child === undefined || child.group !== child.pid)
    return { problem: 'its process is not alone in its process group' }
  return { child }
}

function others(children: readonly Child[], helper: Child): readonly Child[] {
  return children.filter((child) => child !== helper)
}

/** In the order of their start; undefined where that cannot be told. */
function startedBefore(children: readonly Child[], helper: Child): readonly Child[] | undefined {
  const sorted = children.toSorted((a, b) => Number(a.start) - Number(b.start) || a.pid - b.pid)
  const mayHaveWrapped = sorted.some((child, at) => {
    const next = sorted[at + 1]
    return next !== undefined && next.start === child.start && next.pid - child.pid > maxPidStep
  })
  return mayHaveWrapped ? undefined : sorted.slice(0, sorted.indexOf(helper))
}

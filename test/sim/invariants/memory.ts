import { growthFactor, type Invariant, type Run } from '../run.js'

/** src/connection/mux.ts seals no more than 256 KiB ahead of the kernel, and a packet may begin below that. */
const sealedMax = (256 + 33) * 1024
/** What is not data goes out at once: requests, windows, probes and key exchanges, of a few hundred bytes each. */
const talkMax = 64 * 1024
/** src/connection/growth.ts: what all windows of a connection may grow by, in windows that have grown to the full. */
const grownWindowsMax = 2
/** src/liveness/probes.ts */
const probesMax = 64

/**
 * Queues and tables stay under stated limits: what is sealed and not taken, what a channel holds unread (its window, and
 * what that grew by), waits, deadlines and probes. When the connection is over nothing of it is left.
 */
export function memoryIsBounded(): Invariant {
  return { name: 'queues and tables stay small, and nothing is left at the end', check, checkEnd }
}

function check(run: Run): string | undefined {
  const { client, user, plan } = run
  const { connection } = client
  if (client.ending !== undefined) return leftover(run)
  if (connection.unsentBytes < 0) return 'the kernel is said to have taken more than there was'
  if (connection.unsentBytes > sealedMax + talkMax) return `${connection.unsentBytes} bytes are sealed and not taken`
  const now = client.process.now()
  if (connection.keepalive.evidence(now).probesUnanswered > probesMax) return 'more than 64 probes wait for an answer'
  for (const { command, unread, grownBytes } of user.commands)
    if (unread > plan.client.window + grownBytes) return `${unread} bytes of command ${command} wait to be read`
  const grown = [...connection.channels].map((channel) => channel.grownBytes)
  const most = Math.max(0, ...grown)
  const all = grown.reduce((sum, bytes) => sum + bytes, 0)
  if (most > (growthFactor - 1) * plan.client.window) return `a window has grown by ${most} bytes`
  if (all > grownWindowsMax * growthFactor * plan.client.window) return `all windows have grown by ${all} bytes`
  // A command has a wait for each of its limits beside that for its end.
  const limits = 3 * user.runs.filter(({ outcome }) => outcome === undefined).length
  const tasks = user.calls.pendingCount + limits + 12
  if (client.waits.size > tasks) return `${client.waits.size} waits for ${user.calls.pendingCount} calls`
  if (client.deadlines.size > client.waits.size + 6)
    return `${client.deadlines.size} deadlines for ${client.waits.size} waits`
  return undefined
}

function leftover({ client }: Run): string | undefined {
  const { deadlines, waits, channels } = client.leftovers
  if (deadlines + waits + channels === 0) return undefined
  return `after the end ${deadlines} deadlines, ${waits} waits and ${channels} channels are left`
}

function checkEnd(run: Run): string | undefined {
  if (run.client.ending === undefined) return 'the connection is not over after its close'
  return leftover(run)
}

import type { Party } from './machine/party.js'
import type { Path } from './network/path.js'
import { retransmitMs } from './network/tcp-stream.js'
import type { Server } from './peer/server.js'
import type { LinkPlan, Plan } from './plan.js'
import type { Troubles } from './trouble.js'
import type { UserProgram } from './user/program.js'
import type { World } from './world.js'

/** Everything there is in one run, for those who judge it. */
export interface Run {
  readonly plan: Plan
  readonly world: World
  readonly path: Path
  readonly client: Party
  readonly server: Server
  readonly user: UserProgram
  readonly troubles: Troubles
  /** What was not held against the client, though a stricter judge would. */
  readonly excuses: Set<string>
  /** Time in which the client could not run, until now. */
  absentMs(since: number): number
}

/** What must hold. Made anew for each run. */
export interface Invariant {
  readonly name: string
  /** After every step. @returns what is violated */
  check(run: Run): string | undefined
  /** After the last. */
  checkEnd?(run: Run): string | undefined
}

/** What we may have sent ahead of a question: what the pace lets out before it knows the link, and some packets. */
const queueBytes = 288 * 1024

/**
 * How long the answer to a question may take on this link while nothing is wrong: there and back, both delayed as much as
 * chance allows (two losses in a row each way), behind what we had queued, by a server that takes its time.
 */
export function answerMs({ link, server }: Pick<Plan, 'link' | 'server'>): number {
  const lossMs = link.lossEvery === null ? 0 : 2 * 3 * retransmitMs(link)
  const queueMs = queueBytes / rateOf(link)
  return 50 + 2 * (link.latencyMs + link.jitterMs) + lossMs + queueMs + 2 * server.lagMs
}

/** Bytes a millisecond: what the link moves, and what the kernels' buffers let be under way. */
function rateOf({ bytesPerMs, latencyMs, jitterMs, sendBuffer, receiveBuffer }: LinkPlan): number {
  const roundTripMs = Math.max(1, 2 * latencyMs + jitterMs)
  return Math.min(bytesPerMs ?? Number.POSITIVE_INFINITY, Math.min(sendBuffer, receiveBuffer) / roundTripMs)
}

/** By how much clocks that give fractions may disagree about when a packet was heard. */
export const heardSlackMs = 1

/** A server that left one request unanswered gives the answers of later ones to those before (RFC 4254 section 4). */
export function answersOutOfLine({ server, excuses }: Run): boolean {
  if (server.passedOver.size === 0) return false
  excuses.add('a bound, a limit or an answer, of a server that left requests unanswered')
  return true
}

/** How long so many bytes may take on this link, one window after the other, where nothing is lost. */
export function transferMs({ link, client, server }: Plan, bytes: number): number {
  const windows = bytes / Math.min(client.window, server.window)
  return bytes / rateOf(link) + windows * (2 * link.latencyMs + link.jitterMs + 2 * server.lagMs)
}

/** A window of 2 MiB grows to 32 MiB; smaller ones here by as much, so that slower links show it. */
export const growthFactor = 16

/** How long the bytes that we let the peer send may hold up what it says after them. */
export function backlogMs({ plan: { link, client }, client: party }: Run, channels: number): number {
  let grown = 0
  for (const channel of party.connection.channels) grown += channel.grownBytes
  return (channels * client.window + grown + link.sendBuffer) / rateOf(link)
}

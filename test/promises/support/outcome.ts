import assert from 'node:assert/strict'
import { HoldfastError } from 'holdfast'

/** How a promise failed, and how long after this call. */
export interface Failure {
  readonly error: HoldfastError
  readonly tookMs: number
  /** How much of that this process waited for something. What comes at once waits for nothing, however busy the machine is. */
  readonly waitedMs: number
}

/** Waits for a promise to reject with one of our errors. */
export async function failure(promise: Promise<unknown>): Promise<Failure> {
  const since = performance.now()
  const { idle } = performance.eventLoopUtilization()
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const tookMs = performance.now() - since
  const waitedMs = performance.eventLoopUtilization().idle - idle
  assert.ok(error instanceof HoldfastError, `it gave ${String(error)}`)
  return { error, tookMs, waitedMs }
}

/** Generous upwards, for a machine that is busy; a time that is too short is a fault on any machine. */
export function assertWithin(tookMs: number, [least, most]: readonly [least: number, most: number]): void {
  assert.ok(tookMs >= least && tookMs <= most, `took ${Math.round(tookMs)} ms, not ${least} to ${most}`)
}

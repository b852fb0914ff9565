import type net from 'node:net'
import { HoldfastError } from '../errors.js'
import { type DialContext, type DialOptions, type DialTarget, dial } from './dial.js'

/** As ssh waits between two of its ConnectionAttempts (ssh_config(5)). */
const pauseMs = 1000

/**
 * Dials, and dials again where nobody was there.
 * @throws HoldfastError as `dial`, of the last attempt
 */
export async function dialAgain(
  target: DialTarget,
  attempts: number,
  options: DialOptions,
  context: DialContext,
): Promise<net.Socket> {
  for (let left = attempts - 1; ; left--) {
    try {
      return await dial(target, options, context)
    } catch (error) {
      if (left === 0 || !isWorthAnother(error)) throw error
    }
    await pause(context, options.signal)
  }
}

function isWorthAnother(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false
  return error.code === 'ERR_SSH_CONNECT' || (error.code === 'ERR_SSH_TIMEOUT' && error.limit === 'tcp')
}

async function pause(context: DialContext, signal: AbortSignal | undefined): Promise<void> {
  const { waits, deadlines } = context
  const what = 'another attempt to connect'
  const wait = waits.start<void>({ limit: 'tcp', limitMs: false, clock: 'call', phase: 'tcp', what, signal })
  const over = deadlines.add(context.now() + pauseMs, () => wait.resolve())
  try {
    await wait.promise
  } finally {
    over.cancel()
  }
}

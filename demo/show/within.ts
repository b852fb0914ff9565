import { setTimeout as pause } from 'node:timers/promises'

/** What a promise gives, or undefined once the time is over. Leaves no timer behind. @throws AbortError */
export async function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  const settled = new AbortController()
  const timer = pause(ms, undefined, { signal: AbortSignal.any([signal, settled.signal]) })
  try {
    return await Promise.race([promise, timer])
  } finally {
    settled.abort()
  }
}

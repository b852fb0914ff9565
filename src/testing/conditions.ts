/** One way through the relay. */
export type Direction = 'toServer' | 'toClient'

export const directions: readonly Direction[] = ['toServer', 'toClient']

/** What happens to the bytes of one direction, for all connections. */
export interface Conditions {
  /**
   * - `pass`: they go on.
   * - `swallow`: they are read and thrown away.
   * - `cut`: the same, and what is on its way is thrown away too.
   * - `stall`: they are not read, and what is on its way stays where it is.
   */
  passage: 'pass' | 'swallow' | 'cut' | 'stall'
  /** Milliseconds that each byte is on its way. */
  delayMs: number
  bytesPerSecond: number | undefined
}

export function goodConditions(): Conditions {
  return { passage: 'pass', delayMs: 0, bytesPerSecond: undefined }
}

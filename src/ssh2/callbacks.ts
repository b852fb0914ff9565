/** What nobody of the program listens to. */
export function rethrow(error: unknown): never {
  throw error
}

/** What holds back its events until the program has it. */
export function isStream(value: unknown): value is { release(): void } {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'release') === 'function'
}

/**
 * ssh2 calls some callbacks without a look at what they are, and throws where that is no function.
 * @param isAlive whether the connection is: what ends with it is no reason to end a program that did not ask
 */
export function needed(callback: unknown, isAlive: () => boolean): unknown {
  if (typeof callback === 'function') return callback
  return () => {
    if (isAlive()) throw new TypeError('cb is not a function')
  }
}

/** What nobody of the program listens to. */
export function rethrow(error: unknown): never {
  throw error
}

/** What holds back its events until the program has it. */
export function isStream(value: unknown): value is { release(): void } {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'release') === 'function'
}

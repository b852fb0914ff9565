import { Deferred } from '../liveness/deferred.js'

/** What a function of the program hands to its callback; its first answer counts. It waits for no longer than who awaits it. */
export function called<T>(begin: (answer: (value: T) => void, fail: (error: unknown) => void) => void): Promise<T> {
  const deferred = new Deferred<T>()
  begin(
    (value) => deferred.resolve(value),
    (error) => deferred.reject(error),
  )
  return deferred.promise
}

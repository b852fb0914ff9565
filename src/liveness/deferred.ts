function ignore(): void {}

/** A promise and the two functions that settle it, for whoever knows when it is time. It waits for nobody by itself. */
export class Deferred<T> {
  readonly promise: Promise<T>
  resolve: (value: T) => void = () => {}
  reject: (error: unknown) => void = () => {}

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // It may be rejected before anybody has a handler on it; the rejection still reaches who asks later.
    this.promise.then(undefined, ignore)
  }
}

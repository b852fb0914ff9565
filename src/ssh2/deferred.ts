import { fromOriginal } from './original.js'

/** A class of which the package ssh2 is asked only once somebody uses it. */
export type DeferredClass = new (...args: readonly unknown[]) => object

class Unavailable {
  readonly isAvailable = false
}

/** @returns what stands for the class of that name; using it throws where there is no ssh2 */
export function deferred(name: string): DeferredClass {
  const original = (): object => {
    const found = fromOriginal(name)
    if (typeof found !== 'function') throw new Error(`the package ssh2 that is installed has no ${name}`)
    return found
  }
  const proxy: DeferredClass = new Proxy(Unavailable, {
    construct(_target, args, newTarget) {
      const found = original()
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is a function, as was looked at
      const constructor = found as new () => object
      const made: unknown = Reflect.construct(constructor, args, newTarget === proxy ? constructor : newTarget)
      return made instanceof Object ? made : {}
    },
    get(target, property) {
      const value: unknown = Reflect.get(isKnown(property, target) ? target : original(), property)
      return property === 'name' ? name : value
    },
  })
  return proxy
}

/** What is asked of any class, by tools and by Node itself, is no use of it. */
function isKnown(property: string | symbol, target: object): boolean {
  return (
    typeof property === 'symbol' || property === 'then' || (property !== 'prototype' && Reflect.has(target, property))
  )
}

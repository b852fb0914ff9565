import { EventEmitter } from 'node:events'

/** A class, as the programs of ssh2 use it. */
export type ClientClass = abstract new (...args: readonly unknown[]) => object

/** A function and no class: the prototype of a class could not be set once it is known. */
function Client(): never {
  throw new TypeError("Class constructor Client cannot be invoked without 'new'")
}
Object.setPrototypeOf(Client, EventEmitter)

/**
 * A class that is loaded when somebody first makes one of it, extends it, or looks at its prototype. Programs that only have
 * it in their hands, which is every Node that NODE_OPTIONS reaches and that loads ssh2, do not pay for it.
 */
export function lazyClient(load: () => ClientClass): ClientClass {
  let loaded: ClientClass | undefined

  const real = (): ClientClass => {
    if (loaded !== undefined) return loaded
    loaded = load()
    const prototype: unknown = loaded.prototype
    if (!(prototype instanceof Object)) return loaded
    Reflect.set(Client, 'prototype', prototype)
    Reflect.set(prototype, 'constructor', lazy)
    return loaded
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it stands for the class that `load` gives
  const lazy = new Proxy(Client as unknown as ClientClass, {
    construct(_target, args, newTarget) {
      const found = real()
      const made: unknown = Reflect.construct(found, args, newTarget === lazy ? found : newTarget)
      return made instanceof Object ? made : {}
    },
    get(target, property, receiver) {
      if (property === 'prototype') real()
      const value: unknown = Reflect.get(target, property, receiver)
      return value
    },
    getOwnPropertyDescriptor(target, property) {
      if (property === 'prototype') real()
      return Reflect.getOwnPropertyDescriptor(target, property)
    },
  })
  return lazy
}

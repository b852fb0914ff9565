/**
 * For `--require`: gives programs that use npm `ssh2` 1.x Holdfast's client. See docs/register.md.
 *
 * @module
 */

// NODE_OPTIONS reaches every Node of a machine: before its version is known, nothing is said here that an old one cannot read.

const registered = Symbol.for('holdfast:register')

/** What is beside this file is for Node 16 and later; those before 20.19 are told, once they load ssh2. */
function isReadable(): boolean {
  return Number(process.versions.node.split('.')[0]) >= 16
}

/** A thread in which Node runs the loaders of other tools: no program is there, and hooks are refused. */
function isOfNodeItself(): boolean {
  // What says so is not loaded where it cannot be: that takes longer than all the rest here.
  if (!isWorker()) return false
  const threads: unknown = require('node:worker_threads')
  return typeof threads === 'object' && threads !== null && Reflect.get(threads, 'isInternalThread') === true
}

/** Node refuses chdir() in every thread, and marks the function that does so: no word of docs, but a test on each Node. */
function isWorker(): boolean {
  // oxlint-disable-next-line typescript/unbound-method -- it is not called
  return Reflect.get(process.chdir, 'disabled') === true
}

/** Two entries of one NODE_OPTIONS, or two installations: the first serves. */
function isFirst(): boolean {
  if (Reflect.has(globalThis, registered)) return false
  return Reflect.defineProperty(globalThis, registered, { value: __filename })
}

if (process.env['HOLDFAST'] !== 'off' && isReadable() && !isOfNodeItself() && isFirst()) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is the module of that name
  const overlay = require('./overlay.cjs') as { start(file: string): void }
  overlay.start(__filename)
}

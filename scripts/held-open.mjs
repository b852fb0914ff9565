// Loaded into the process of each test file before the file itself: when that process is still there 2 s after
// its last test, says what holds it open and fails it. A process with nothing left open ends by itself, unforced.
// Also names each test that runs for long: where the limit of the file ends all of it, that is what it hung in.
import { createHook } from 'node:async_hooks'
import process from 'node:process'
import { after, afterEach, beforeEach } from 'node:test'
import { isMainThread } from 'node:worker_threads'

const graceMs = 2000
/** Counted in steps: while a busy machine lets this process do nothing, one step passes, and not the whole grace. */
const stepMs = 100
const longMs = Number(process.env.HOLDFAST_TEST_LONG_MS ?? 60_000)
/** Where a handle was made, by its asynchronous id; filled under --trace alone, for it slows every promise. */
const origins = new Map()

if (isMainThread && process.env.HOLDFAST_TEST_NODE_OPTIONS !== undefined) {
  // Processes that a test starts are not test files.
  process.env.NODE_OPTIONS = process.env.HOLDFAST_TEST_NODE_OPTIONS
  if (process.env.NODE_OPTIONS === '') delete process.env.NODE_OPTIONS
  delete process.env.HOLDFAST_TEST_NODE_OPTIONS
  if (process.env.HOLDFAST_TEST_TRACE !== undefined) trace()
  watch()
}

function watch() {
  // Taken now: a test may put simulated timers in their place.
  const { setTimeout, clearTimeout } = globalThis
  const running = new Map()
  let ended = false
  let timer

  const arm = (leftMs = graceMs) => {
    clearTimeout(timer)
    timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : fail()), stepMs).unref()
  }
  // The hooks of the root also run around tests that start after an await, when all tests seemed to be over.
  beforeEach((test) => {
    running.set(
      test,
      setTimeout(
        () => process.stderr.write(`Still running after ${longMs / 1000} s: ${test.fullName}\n`),
        longMs,
      ).unref(),
    )
    clearTimeout(timer)
  })
  afterEach((test) => {
    clearTimeout(running.get(test))
    running.delete(test)
    if (ended && running.size === 0) arm()
  })
  after(() => {
    ended = true
    if (running.size === 0) arm()
  })
}

function fail() {
  const report = [
    `This test file outlived its last test by ${graceMs / 1000} s. What held its process open:`,
    ...[...handles(), ...others()].map((line) => `  ${line}`),
  ]
  if (origins.size === 0) report.push('To see where each was made: node scripts/test.mjs --trace FILE')
  process.stderr.write(`${report.join('\n')}\n`)
  process.exit(1)
}

function handles() {
  // Without a public counterpart: getActiveResourcesInfo() gives the kinds alone.
  return process
    ._getActiveHandles()
    .filter((handle) => ![process.stdin, process.stdout, process.stderr].includes(handle))
    .map((handle) => `${describe(handle)}${origin(handle)}`)
}

/** Timers and requests, which have no handle of their own. */
function others() {
  const kinds = process.getActiveResourcesInfo().filter((kind) => !kind.endsWith('Wrap'))
  const timers = [...origins.values()].filter(({ type, ref }) => type === 'Timeout' && ref.deref()?.hasRef() === true)
  return [...kinds, ...timers.map(({ stack }) => `Timeout made at${stack}`)]
}

function describe(handle) {
  const kind = handle.constructor.name
  if (typeof handle.spawnfile === 'string') return `${kind} ${handle.pid}: ${handle.spawnargs.join(' ')}`
  if (handle.listening === true) return `${kind} listening on ${place(handle.address())}`
  if (typeof handle.remotePort === 'number') return `${kind} connected to ${handle.remoteAddress}:${handle.remotePort}`
  if (kind === 'Socket') return `${kind} ${handle.connecting ? 'connecting' : (handle.path ?? 'of a pipe')}`
  return kind
}

function place(address) {
  return typeof address === 'object' && address !== null ? `${address.address}:${address.port}` : String(address)
}

function origin(handle) {
  const made = origins.get(handle._handle?.getAsyncId?.())
  return made === undefined ? '' : ` made at${made.stack}`
}

function trace() {
  Error.stackTraceLimit = 30
  createHook({
    init(id, type, _trigger, resource) {
      if (type !== 'Timeout' && !type.endsWith('WRAP')) return
      const frames = new Error().stack?.split('\n').slice(2) ?? []
      const ours = frames.filter((line) => !/\(?node:/.test(line)).map((line) => `\n    ${line.trim()}`)
      origins.set(id, { type, ref: new WeakRef(resource), stack: ours.join('') || ' a place inside Node' })
    },
    destroy: (id) => void origins.delete(id),
  }).enable()
}

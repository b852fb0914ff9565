import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { getHeapSpaceStatistics } from 'node:v8'
import { noteReceived } from '#src/socket/collections.js'

const megabyte = 1024 * 1024
const isNode20 = process.version.startsWith('v20.')
/** From here on V8 has a limit for bytes of buffers. */
const isByBytes = Number(process.versions.node.split('.')[0]) >= 24

/** What is too large for a page. */
function largeBytes(): number {
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => name.endsWith('large_object_space'))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0)
}

/** How often V8 goes through the whole heap while packets of 32 KiB come, in a process of its own. */
async function collectionsDuring(megabytes: number): Promise<number> {
  const program = `
    import { PerformanceObserver } from 'node:perf_hooks'
    import { setImmediate as turn } from 'node:timers/promises'
    import { noteReceived } from ${JSON.stringify(import.meta.resolve('#src/socket/collections.js'))}
    let count = 0
    const observer = new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === 4) count++
    })
    observer.observe({ entryTypes: ['gc'] })
    for (let pieces = 0; pieces < ${megabytes * 32}; pieces++) {
      Buffer.allocUnsafeSlow(32 * 1024)
      if (pieces % 2 === 0) noteReceived(64 * 1024)
      if (pieces % 16 === 0) await turn()
    }
    await turn()
    await turn()
    process.stdout.write(String(count))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  return Number(stdout)
}

test('a process that has received much makes its heap heavier, once, and only on Node 20', () => {
  const before = largeBytes()
  noteReceived(15 * megabyte)
  assert.ok(largeBytes() - before < megabyte)
  noteReceived(megabyte)
  const after = largeBytes() - before
  if (isNode20) assert.ok(after >= 4 * megabyte && after < 12 * megabyte, String(after))
  else assert.ok(after < megabyte, String(after))
  for (let times = 0; times < 100; times++) noteReceived(16 * megabyte)
  assert.ok(largeBytes() - before <= after)
})

test('a process of the first Node 22, which has no getBuiltinModule, receives as much', async () => {
  const program = `
    Reflect.deleteProperty(process, 'getBuiltinModule')
    const { noteReceived } = await import(${JSON.stringify(import.meta.resolve('#src/socket/collections.js'))})
    noteReceived(${32 * megabyte})
    noteReceived(1)`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
})

test('new objects are looked at before V8 goes through the whole heap', {
  skip: !isByBytes && 'only Node 24 and later count buffers so',
}, async () => {
  // Node 24 does so 15 times by itself.
  const times = await collectionsDuring(1000)
  assert.ok(times <= 3, `${times} times`)
})

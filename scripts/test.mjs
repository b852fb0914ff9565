// Runs the test files with node:test, each in a process of its own, two at a time (four with HOLDFAST_LAB=full).
//
//   node scripts/test.mjs             every test/**/*.test.ts, from what tsc made of it
//   node scripts/test.mjs keys/agent  those whose path contains one of the words
//   node scripts/test.mjs FILE.js     this compiled file, whatever its name
//   node scripts/test.mjs --trace …   where a process is held open, also says where each handle was made (slow)
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
// In full, a row of the lab waits for minutes at a time, and takes next to nothing of the machine.
const isFullLab = process.env.HOLDFAST_LAB === 'full'
const fileTimeoutMs = isFullLab ? 600_000 : 240_000
const concurrency = isFullLab ? 4 : 2
const words = process.argv.slice(2).filter((word) => word !== '--trace')

const files = words.length > 0 && words.every((word) => word.endsWith('.js')) ? named(words) : matching(words)
if (files.length === 0) {
  console.error(`No test file matches ${words.join(' ') || 'test/**/*.test.ts'}`)
  process.exit(1)
}

// By way of the environment, since Node 20 cannot hand flags to the processes of run(). held-open.mjs takes it out again.
process.env.HOLDFAST_TEST_NODE_OPTIONS = process.env.NODE_OPTIONS ?? ''
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${new URL('held-open.mjs', import.meta.url)}`
if (process.argv.includes('--trace')) process.env.HOLDFAST_TEST_TRACE = '1'

/** @type {{ name: string, reason: string }[]} */
const leftOut = []
const counts = { tests: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 }

// Most of the longest rows have high numbers, and what begins last is waited for alone.
if (isFullLab) files.reverse()

const events = run({ files, concurrency, timeout: fileTimeoutMs })
events.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1
})
events.on('test:pass', ({ name, skip }) => {
  if (skip !== undefined && skip !== false) leftOut.push({ name, reason: skip === true ? 'no reason given' : skip })
})
events.on('test:diagnostic', ({ message }) => {
  const total = /^(\w+) (\d+)$/.exec(message)
  if (total !== null && total[1] in counts) counts[total[1]] = Number(total[2])
})
events.on('end', () => setImmediate(close))
events.compose(new spec()).pipe(process.stdout)

/** Files are found by their sources: what an earlier build left behind of a deleted test does not run. */
function matching(/** @type {string[]} */ wanted) {
  return readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => wanted.length === 0 || wanted.some((word) => `test/${file}`.includes(word)))
    .toSorted()
    .map((file) => path.join(root, 'build/test', file.replace(/\.ts$/, '.js')))
}

function named(/** @type {string[]} */ paths) {
  const missing = paths.filter((file) => !existsSync(file))
  if (missing.length > 0) throw new Error(`no such test file: ${missing.join(', ')}; run npm run build first`)
  return paths.map((file) => path.resolve(file))
}

function close() {
  if (leftOut.length > 0) {
    console.log('\nLeft out here:')
    for (const { name, reason } of leftOut) console.log(`  ${name}: ${reason}`)
  }
  if (counts.tests === 0) process.exitCode = 1
  console.log(
    `\n${counts.pass} passed, ${counts.fail + counts.cancelled} failed, ${counts.skipped + counts.todo} skipped`,
  )
}

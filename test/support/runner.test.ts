import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const runner = fileURLToPath(new URL('../../../scripts/test.mjs', import.meta.url))

function runFixture(name: string, ...flags: string[]) {
  const { NODE_TEST_CONTEXT: _, ...others } = process.env
  const env = { ...others, HOLDFAST_TEST_LONG_MS: '1000' }
  const fixture = fileURLToPath(new URL(`fixtures/${name}.js`, import.meta.url))
  return spawnSync(process.execPath, [runner, ...flags, fixture], { env, encoding: 'utf8', timeout: 60_000 })
}

test('a file that leaves handles open fails although its tests passed, and the handles are named', () => {
  const { status, stdout } = runFixture('holds-socket')
  assert.equal(status, 1)
  assert.match(stdout, /outlived its last test by 2 s/)
  assert.match(stdout, /Server listening on 127\.0\.0\.1:\d+/)
  assert.match(stdout, /Socket connected to 127\.0\.0\.1:\d+/)
  assert.match(stdout, /Timeout/)
  assert.match(stdout, /\n1 passed, 1 failed, 0 skipped\n$/)
})

test('under --trace it also says where they were made', () => {
  const { stdout } = runFixture('holds-socket', '--trace')
  assert.match(stdout, /Socket connected to 127\.0\.0\.1:\d+ made at\n.*holds-socket/)
  assert.match(stdout, /Timeout made at\n.*holds-socket/)
})

test('a file that awaits between its tests is not taken for one that is over', () => {
  const { status, stdout } = runFixture('waits-between-tests')
  assert.equal(status, 0, stdout)
  assert.match(stdout, /\n2 passed, 0 failed, 0 skipped\n$/)
})

test('a file that the machine did not let end is not taken for one that something holds open', () => {
  const { status, stdout } = runFixture('stopped-at-its-end')
  assert.equal(status, 0, stdout)
  assert.match(stdout, /\n1 passed, 0 failed, 0 skipped\n$/)
})

test('a test that runs for long is named while it does, and its neighbours are not', () => {
  const { status, stdout } = runFixture('runs-long')
  assert.equal(status, 0, stdout)
  assert.deepEqual(stdout.match(/Still running after .*/g), ['Still running after 1 s: a group > takes its time'])
})

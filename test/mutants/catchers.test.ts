import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batches, ranSomething, rowFault, simulatorFault } from './catchers.js'
import { runCommand } from './command.js'

const failedRow = `TAP version 13
# Subtest: row 31: a rekey in the middle of a transfer
not ok 1 - row 31: a rekey in the middle of a transfer
  ---
  failureType: 'testCodeFailure'
  error: 'the output is 12 bytes short'
  code: 'ERR_ASSERTION'
`

const failedInLines = `not ok 1 - row 1
  ---
  error: |-
    Expected values to be strictly equal:

    1 !== 2
`

describe('a row of the lab', () => {
  it('is told by its first error', () => {
    assert.equal(rowFault(failedRow), 'the output is 12 bytes short')
    assert.equal(rowFault(failedInLines), 'Expected values to be strictly equal:')
    assert.equal(rowFault('Error: it did not even start\n'), 'Error: it did not even start')
  })

  it('has caught nothing where it was skipped', () => {
    assert.equal(ranSomething(failedRow), true)
    assert.equal(ranSomething('ok 1 - row 31: a rekey\n'), true)
    assert.equal(ranSomething('TAP version 13\nok 1 - row 31: a rekey # SKIP not root\n# pass 0\n'), false)
    assert.equal(ranSomething('TAP version 13\n1..0\n'), false)
  })
})

describe('the simulator', () => {
  it('is told by the first seed that failed', () => {
    const output =
      'seed 44: nothing is left at the end: 1 deadline\nseed 55: no byte is lost\n\nVIOLATED at 2 s\n2000 sessions\n'
    assert.equal(simulatorFault(output), 'seed 44: nothing is left at the end: 1 deadline')
  })

  it('has caught nothing where it failed by itself', () => {
    assert.throws(() => simulatorFault('Error: no such option\n'), /no seed of it: Error: no such option/)
  })

  it('runs a few seeds first, and each seed once', () => {
    assert.deepEqual(batches(100, 100), [[100, 100]])
    assert.deepEqual(batches(1, 1000), [
      [1, 250],
      [251, 500],
      [751, 250],
    ])
  })
})

describe('runCommand', () => {
  const limits = { cwd: '.', limitMs: 60_000 }

  it('gives code and output', async (t) => {
    const finished = await runCommand('sh', ['-c', 'echo out; echo err >&2; exit 3'], { ...limits, signal: t.signal })
    assert.deepEqual(finished, { code: 3, timedOut: false, output: 'out\nerr\n' })
  })

  it('ends at its limit, and with it all that it started and that holds its output', async (t) => {
    const options = { ...limits, limitMs: 200, signal: t.signal }
    const { code, timedOut } = await runCommand('sh', ['-c', 'sleep 60 & sleep 60'], options)
    assert.deepEqual({ code, timedOut }, { code: null, timedOut: true })
  })

  it('ends when it is stopped', async () => {
    const stop = new AbortController()
    const finished = runCommand('sleep', ['60'], { ...limits, signal: stop.signal })
    stop.abort()
    await assert.rejects(finished, /sleep was stopped/)
  })
})

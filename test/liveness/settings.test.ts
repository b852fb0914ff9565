import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseDuration } from '#src/liveness/duration.js'
import { defaultKeepalive, type KeepaliveOption, resolveKeepalive, silenceBound } from '#src/liveness/settings.js'

test('a duration is a number of milliseconds, or a number with its unit', () => {
  const durations: [unknown, number][] = [
    [1, 1],
    [1500.5, 1500.5],
    ['250ms', 250],
    ['15s', 15_000],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ]
  for (const [given, ms] of durations) assert.equal(parseDuration(given, 'limits.connect'), ms)
})

test('everything else is an error that names the option and shows the value', () => {
  const wrong = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '', '15', '0s', '-1s', '1d', '1 s', 's', '1S', ' 1s']
  const odd = [null, undefined, true, {}, [1000], `${'9'.repeat(400)}s`, 1000n, 'constructor', '1constructor']
  for (const given of [...wrong, ...odd]) {
    assert.throws(() => parseDuration(given, 'limits.connect'), {
      code: 'ERR_SSH_OPTION',
      message: /^limits\.connect: /,
    })
  }
})

test('any text at all is a duration or an error of ours', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{0,30}\.?\d{0,3}(ms|s|m|h)?$/)), (text) => {
      try {
        assert.ok(parseDuration(text, 'x') >= 1)
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'ERR_SSH_OPTION')
      }
    }),
  )
})

test('what is not given keeps its value; false turns probes and SO_KEEPALIVE off', () => {
  assert.deepEqual(resolveKeepalive({}), { interval: 15_000, countMax: 3, wantReply: true, tcp: true })
  assert.deepEqual(resolveKeepalive(false), { interval: false, countMax: 3, wantReply: true, tcp: false })
  assert.deepEqual(resolveKeepalive({ interval: '1s' }, resolveKeepalive({ countMax: 5, tcp: false })), {
    interval: 1000,
    countMax: 5,
    wantReply: true,
    tcp: false,
  })
  assert.deepEqual(resolveKeepalive({ interval: false, tcp: { idle: '1m', interval: 2000, count: 4 } }), {
    interval: false,
    countMax: 3,
    wantReply: true,
    tcp: { idle: 60_000, interval: 2000, count: 4 },
  })
})

/** What a program without types, or a policy file, gives. */
function untyped(json: string): KeepaliveOption {
  // No compiler has checked it, which is the point.
  return JSON.parse(json) as KeepaliveOption
}

test('a wrong value is an error that names its field', () => {
  const given: [field: string, option: string][] = [
    ['keepalive.interval', '{"interval":0}'],
    ['keepalive.interval', '{"interval":"fast"}'],
    ['keepalive.countMax', '{"countMax":0}'],
    ['keepalive.countMax', '{"countMax":1.5}'],
    ['keepalive.countMax', '{"countMax":"3"}'],
    ['keepalive.wantReply', '{"wantReply":1}'],
    ['keepalive.tcp', '{"tcp":"yes"}'],
    ['keepalive.tcp', '{"tcp":null}'],
    ['keepalive.tcp.idle', '{"tcp":{"idle":10,"interval":"1s","count":1}}'],
    ['keepalive.tcp.interval', '{"tcp":{"interval":"0s"}}'],
    ['keepalive.tcp.count', '{"tcp":{"idle":"1s","count":0}}'],
  ]
  for (const [field, option] of given) {
    assert.throws(
      () => resolveKeepalive(untyped(option)),
      (error: Error) => {
        assert.equal('code' in error && error.code, 'ERR_SSH_OPTION')
        return error.message.startsWith(`${field}:`) || error.message.startsWith(`${field} `)
      },
    )
  }
})

test('the bound is (countMax + 1) intervals, and null where silence proves nothing', () => {
  assert.equal(silenceBound(defaultKeepalive), 60_000)
  assert.equal(silenceBound({ ...defaultKeepalive, wantReply: false }), null)
  assert.equal(silenceBound({ ...defaultKeepalive, interval: false }), null)
})

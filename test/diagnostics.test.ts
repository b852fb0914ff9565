import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { diagnostics } from '#src/diagnostics.js'

const message = { connection: 1, host: 'example.org', event: 'answered', probe: 'ping', rttMs: 12 } as const

test('without a subscriber nothing is made', () => {
  diagnostics.probe(() => assert.fail('nobody listens'))
})

test('a subscriber gets what is published on its channel, until it leaves', () => {
  const got: unknown[] = []
  const listener = (published: unknown) => void got.push(published)
  subscribe('holdfast:probe', listener)
  diagnostics.probe(() => message)
  diagnostics.channel(() => assert.fail('nobody listens on this one'))
  unsubscribe('holdfast:probe', listener)
  diagnostics.probe(() => assert.fail('nobody listens any more'))
  assert.deepEqual(got, [message])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blame, Way, type WayClient } from '#src/client/way.js'
import { HoldfastError } from '#src/errors.js'
import type { Liveness } from '#src/liveness/port.js'

const alive: Liveness = {
  state: 'alive',
  sinceMs: 0,
  lastHeardMs: 0,
  unanswered: 0,
  rttMs: 1,
  bound: 60_000,
}

/** A hop through which nothing gets. */
function hop(error: HoldfastError, liveness: Liveness = alive): WayClient {
  return {
    liveness,
    keepalive: { send: async () => {} },
    connectTo: async () => {
      throw error
    },
    close: async () => {},
    ref: () => {},
    unref: () => {},
  }
}

function overTwo(error: HoldfastError, first: Liveness = alive): Way {
  const before = new Way(hop(error, first), { name: 'near:22', isOurs: true, before: undefined })
  return new Way(hop(error), { name: 'middle:22', isOurs: true, before })
}

async function named(way: Way): Promise<readonly [string, string | undefined, string]> {
  const opening = way.open({ host: 'far', port: 22 }, undefined)
  const error: unknown = await opening.catch((reason: unknown) => reason)
  assert.ok(error instanceof HoldfastError)
  return [error.code, error.hop, error.message]
}

const refused = new HoldfastError('ERR_SSH_CHANNEL_OPEN', 'refused')
const late = new HoldfastError('ERR_SSH_TIMEOUT', 'no answer')

test('who cannot go on to the target is named', async () => {
  const message = 'the hop middle:22 on the way to far:22: refused'
  assert.deepEqual(await named(overTwo(refused)), ['ERR_SSH_CHANNEL_OPEN', 'middle:22', message])
  assert.equal((await named(overTwo(late)))[1], 'middle:22')
})

test('the hop before is named where it took the next one with it', async () => {
  const dead = new HoldfastError('ERR_SSH_PEER_DEAD', 'no sign of life')
  const message = 'the hop near:22 on the way to far:22: no sign of life'
  assert.deepEqual(await named(overTwo(blame(dead, 'near:22', 'middle:22'))), ['ERR_SSH_PEER_DEAD', 'near:22', message])
})

test('the hop before is named where it is the one that is silent, unless the next one has answered', async () => {
  const silent: Liveness = { ...alive, state: 'suspect' }
  assert.equal((await named(overTwo(late, silent)))[1], 'near:22')
  assert.equal((await named(overTwo(refused, silent)))[1], 'middle:22')
})

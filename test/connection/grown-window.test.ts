import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '#src/connection/channel.js'
import { corePair, NotingSink } from '../support/core/pair.js'

const window = 64 * 1024
const windowMax = 16 * window
const none = Buffer.alloc(0)

interface DownloadOptions {
  readonly latencyMs: number
  readonly consumes?: boolean
}

/** A download whose server sends all that it may, for two seconds. */
async function download({ latencyMs, consumes = true }: DownloadOptions) {
  const sending: { channel?: Channel } = {}
  const server = {
    window,
    windowMax: window,
    handlers: {
      channelOpen: () => ({
        accept: (channel: Channel) => {
          sending.channel = channel
          return new NotingSink(channel)
        },
      }),
      globalRequest: () => undefined,
    },
  }
  const { time, client, toServer, toClient } = corePair({ client: { window, windowMax }, server })
  toServer.latencyMs = latencyMs
  toClient.latencyMs = latencyMs
  assert.equal((await time.outcome(client.connection.ready)).status, 'fulfilled')
  const opened = await time.outcome(
    client.connection.open('session', none, (channel) => new NotingSink(channel, { consumes })),
  )
  assert.equal(opened.status, 'fulfilled')
  const channel = opened.status === 'fulfilled' ? opened.value : assert.fail('no channel')
  sending.channel?.write(Buffer.alloc(200 * windowMax))
  await time.run(2000)
  return { time, client, channel, toServer }
}

test('a far peer that uses up its window in a round trip is granted more, up to the most', async () => {
  const { channel } = await download({ latencyMs: 25 })
  assert.equal(channel.grownBytes, windowMax - window)
})

test('a near peer is granted no more', async () => {
  const { channel } = await download({ latencyMs: 1 })
  assert.equal(channel.grownBytes, 0)
})

test('nor is one whose data nobody takes', async () => {
  const { channel } = await download({ latencyMs: 25, consumes: false })
  assert.deepEqual([channel.grownBytes, channel.receiveWindow], [0, 0])
})

test('what a window has grown by stands before an answer with a sixteenth of its bytes, and the rest with all', async () => {
  const { client, channel } = await download({ latencyMs: 25 })
  const probe = client.connection.probes.send('global-request', () => {})
  const grown = Math.min(channel.grownBytes, channel.receiveWindow)
  const plain = channel.receiveWindow - grown
  assert.ok(grown > 0)
  assert.equal(probe?.behind(), plain + grown / 16)
})

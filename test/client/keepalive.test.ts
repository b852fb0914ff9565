import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientKeepalive } from '#src/client/keepalive.js'
import type { KeepaliveSettings } from '#src/liveness/settings.js'
import { nothingLeft } from '../support/core/checks.js'
import { loggedIn } from '../support/core/pair.js'
import type { ScriptOptions } from '../support/core/scripted-peer.js'

const unbound = { replyLimitMs: 15_000, replyBoundMs: undefined, tighten: same, setTcp: () => {} }

function same(settings: KeepaliveSettings): KeepaliveSettings {
  return settings
}

async function keepaliveOfClient(script: ScriptOptions = {}) {
  const keepalive = { interval: false, countMax: 3, wantReply: true, tcp: false } as const
  const joined = await loggedIn({ client: { keepalive }, script })
  const connection = () => joined.client.connection
  return { ...joined, keepalive: new ClientKeepalive({ ...unbound, connection }) }
}

test('the time for the answer to a probe begins when the kernel has taken the probe', async () => {
  const { time, client, keepalive } = await keepaliveOfClient()
  client.kernelTakes = false
  const answer = keepalive.send({ timeout: '1s' })
  await time.run(5000)
  client.kernelTakes = true
  client.flush()
  assert.equal((await time.value(answer, 500)).probe, 'global-request')
})

test('a name that is misspelt is an error, and changes nothing', async () => {
  const { time, keepalive } = await keepaliveOfClient()
  const before = keepalive.settings
  const misspelt: object = { countmax: 5 }
  assert.throws(() => keepalive.configure(misspelt), {
    code: 'ERR_SSH_OPTION',
    message: /no option countmax.*'countMax'/,
  })
  const deep: object = { tcp: { delay: 1 } }
  assert.throws(() => keepalive.configure(deep), { code: 'ERR_SSH_OPTION', message: /no option tcp.delay/ })
  assert.equal(keepalive.settings, before)
  const timout: object = { timout: '1s' }
  const { error } = await time.failure(keepalive.send(timout))
  assert.equal(error.code, 'ERR_SSH_OPTION')
  assert.match(error.message, /^timout is no option/)
})

test('a probe that the kernel never takes is given up after ten limits', async () => {
  const { time, client, keepalive } = await keepaliveOfClient()
  client.kernelTakes = false
  const { error, tookMs } = await time.failure(keepalive.send({ timeout: '1s' }))
  assert.deepEqual([error.code, tookMs], ['ERR_SSH_PROBE_TIMEOUT', 10_000])
  client.connection.streamEnded()
  nothingLeft(client)
})

for (const [what, extensions] of [
  ['global requests', new Map()],
  ['PINGs', new Map([['ping@openssh.com', Buffer.from('0')]])],
] as const) {
  test(`a peer that is deaf to ${what} is asked no more once 256 are unanswered, until it answers`, async () => {
    const { time, server, keepalive } = await keepaliveOfClient({ extensions })
    let deaf = true
    const held: Buffer[] = []
    server.before = (payload) => {
      if (deaf) held.push(payload)
      return deaf
    }
    const answers = Array.from({ length: 256 }, () => keepalive.send({ timeout: '1h' }))
    await time.run(100)
    const { error, tookMs } = await time.failure(keepalive.send({ timeout: '1h' }))
    assert.deepEqual([error.code, tookMs], ['ERR_SSH_PROBE_TIMEOUT', 0])
    assert.match(error.message, /256 probes unanswered/)
    deaf = false
    for (const payload of held) server.handle(payload)
    await time.value(Promise.all(answers))
    await time.value(keepalive.send())
  })
}

/** What no packet can take is refused to whoever asks for it, alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxPayload } from '#src/transport/packet-size.js'
import { messageNumber } from '#src/wire/numbers.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import { loggedIn, NotingSink } from '../support/core/pair.js'

const none = Buffer.alloc(0)
const large = Buffer.alloc(maxPayload)

for (const when of ['at once', 'in a key exchange'] as const) {
  test(`requests and opens that no packet can take are refused alone, ${when}, and later answers find their askers`, async () => {
    const { time, client, server } = await loggedIn()
    const { connection } = client
    const channel = await time.value(connection.open('session', none, (opened) => new NotingSink(opened)))
    server.before = (payload) => when === 'in a key exchange' && payload[0] === messageNumber.KEXINIT
    if (when === 'in a key exchange') connection.rekey().catch(() => {})
    await time.run(10)
    for (const asked of [
      channel.request('exec', large),
      connection.globalRequest('x', large),
      connection.open('session', large, (opened) => new NotingSink(opened)),
    ]) {
      const { error, tookMs } = await time.failure(asked, 10)
      assert.deepEqual([error.code, tookMs], ['ERR_SSH_OPTION', 0])
    }
    assert.throws(() => channel.notify('signal', large), { code: 'ERR_SSH_OPTION' })
    server.before = () => false
    const init = server.heardOf(messageNumber.KEXINIT).at(-1)
    if (when === 'in a key exchange' && init !== undefined) {
      server.beginExchange()
      server.handleAgain(init)
    }
    const refused = await time.failure(connection.globalRequest('y', none), 1000)
    assert.equal(refused.error.code, 'ERR_SSH_REQUEST_REFUSED')
    await time.value(connection.open('session', none, (opened) => new NotingSink(opened)))
    assert.equal(endedBy(client), undefined)
    await time.value(connection.close(2000), 2000)
    nothingLeft(client)
  })
}

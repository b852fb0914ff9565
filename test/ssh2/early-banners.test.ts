// A server that says more than anybody asked for, before the program has said how to log in.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { encodeUserauthBanner } from '#src/wire/auth-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { Random } from '../support/core/random.js'
import { ScriptedPeer } from '../support/core/scripted-peer.js'
import { dropIn, within } from './record.js'

test('banners without end, while a program thinks about how to log in, end the connection', {
  timeout: 60_000,
}, async (t) => {
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, taken) => {
      setImmediate(() => server.receive(chunk))
      taken()
    },
    final: (done) => {
      setImmediate(() => server.streamEnded())
      done()
    },
  })
  const server = new ScriptedPeer(new Random(1), {
    write: (bytes) => stream.push(bytes),
    end: () => stream.push(null),
  })
  server.before = (payload) => {
    if (payload[0] !== messageNumber.SERVICE_REQUEST) return false
    server.handle(payload)
    for (let sent = 0; sent < 101; sent++) server.send(encodeUserauthBanner({ message: `${sent}`, language: '' }))
    return true
  }
  const client = new dropIn.Client()
  t.after(() => client.destroy())
  let banners = 0
  client.on('banner', () => banners++)
  const failed = once(client, 'error')
  client.connect({ sock: stream, username: 'deploy', authHandler: () => undefined })
  server.start()
  const [error] = (await within(failed, 'error')) as [Error & { level: string }]
  assert.equal(error.level, 'protocol')
  assert.match(error.message, /USERAUTH_BANNER came more than 100 times/)
  assert.equal(banners, 100)
})

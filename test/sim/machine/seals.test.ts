import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { defaultAlgorithms } from '#src/kex/algorithms.js'
import { ciphers } from '#src/transport/ciphers.js'
import { macs } from '#src/transport/macs.js'
import { Outbound } from '#src/transport/outbound.js'
import { factsOf, watchSeals } from './seals.js'

watchSeals()

const mac = macs.get('hmac-sha2-256-etm@openssh.com')
const payloads = [Buffer.from([192, 1, 2, 3]), Buffer.from([21]), Buffer.alloc(5000, 94)]

for (const name of defaultAlgorithms.cipher) {
  test(`what ${name} seals is known, and where each packet ends`, () => {
    const spec = ciphers.get(name)
    assert.ok(spec !== undefined && mac !== undefined)
    const keys = { key: randomBytes(spec.keyBytes), iv: randomBytes(spec.ivBytes), macKey: randomBytes(mac.keyBytes) }
    const outbound = new Outbound({ randomBytes })
    outbound.identify('SSH-2.0-Holdfast')
    for (const payload of payloads) outbound.send(payload)
    outbound.switchKeys(spec.sealer(keys, spec.aead ? undefined : mac), { resetSequence: true })
    for (const payload of payloads) outbound.send(payload)
    const facts = outbound.take().map(factsOf)
    assert.deepEqual(
      facts.filter(({ isLast }) => isLast).map(({ payload }) => payload),
      [undefined, ...payloads, ...payloads],
    )
  })
}

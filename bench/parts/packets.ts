import { randomBytes } from 'node:crypto'
import { aes128Gcm } from '#src/transport/aes-gcm.js'
import { Inbound } from '#src/transport/inbound.js'
import { Outbound } from '#src/transport/outbound.js'
import { median } from '../statistics.js'

/** As a connection has them: of more at once the memory, and not the packets, would be measured (15 µs where 10 are). */
const batch = 16

/** Microseconds a packet with aes128-gcm, in the middle of all batches, of which the first compile. */
export function packetTimes(size: number, count: number): { readonly out: number; readonly in: number } {
  const keys = { key: randomBytes(16), iv: randomBytes(12), macKey: Buffer.alloc(0) }
  const padding = randomBytes(256)
  const outbound = new Outbound({ randomBytes: (bytes) => padding.subarray(0, bytes) })
  const inbound = new Inbound({ identified: () => {}, packet: () => {} })
  inbound.receive(Buffer.from('SSH-2.0-bench\r\n'))
  outbound.switchKeys(aes128Gcm.sealer(keys, undefined), { resetSequence: true })
  inbound.switchKeys(aes128Gcm.opener(keys, undefined), { resetSequence: true })
  const payload = Buffer.alloc(size, 94)
  const runs = Array.from({ length: Math.ceil((9 * count) / batch) }, () => {
    const startedAt = performance.now()
    for (let sent = 0; sent < batch; sent++) outbound.send(payload)
    const sealedAt = performance.now()
    const pieces = outbound.take()
    const wire = Buffer.concat(pieces)
    const openedFrom = performance.now()
    inbound.receive(wire)
    return { out: sealedAt - startedAt, in: performance.now() - openedFrom }
  })
  const microseconds = (of: 'out' | 'in'): number => (median(runs.map((run) => run[of])) * 1000) / batch
  return { out: microseconds('out'), in: microseconds('in') }
}

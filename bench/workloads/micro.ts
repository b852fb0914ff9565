/** The parts that every byte and every connection pays for, alone and in memory: to see what a change does to them. */
import { randomBytes } from 'node:crypto'
import { aes128Gcm } from '#src/transport/aes-gcm.js'
import { Inbound } from '#src/transport/inbound.js'
import { Outbound } from '#src/transport/outbound.js'
import { after, ScriptedPeer } from '../../test/liveness/scripted-peer.js'
import { corePair, NotingSink } from '../../test/support/core/pair.js'
import { median } from '../statistics.js'
import { type Conditions, type Figure, type Sample, scaled, type Workload } from './workload.js'

const small = 64
const large = 32 * 1024
const intervalMs = 1000

const packets: Workload = micro('micro-packets', {
  figures: {
    smallOut: figure(`frame and seal ${small} bytes`),
    smallIn: figure(`open ${small} bytes`),
    largeOut: figure('frame and seal 32 KiB'),
    largeIn: figure('open 32 KiB'),
  },
  run: async (conditions) => {
    const count = scaled(20_000, conditions, 100)
    const ofSmall = packetTimes(small, count)
    const ofLarge = packetTimes(large, count / 10)
    return { smallOut: ofSmall.out, smallIn: ofSmall.in, largeOut: ofLarge.out, largeIn: ofLarge.in }
  },
})

const channel: Workload = micro('micro-channel', {
  figures: { data: figure('channel data of 32 KiB, through all of both ends') },
  run: async (conditions) => ({ data: await channelTime(scaled(4000, conditions, 50)) }),
})

const keepalive: Workload = micro('micro-keepalive', {
  figures: { tick: figure('one interval of the keepalive: wake, probe, answer') },
  run: async (conditions) => ({ tick: tickTime(scaled(50_000, conditions, 100)) }),
})

export const microWorkloads: readonly Workload[] = [packets, channel, keepalive]

interface Micro {
  readonly figures: Readonly<Record<string, Figure>>
  readonly run: (conditions: Conditions) => Promise<Sample>
}

function micro(name: string, { figures, run }: Micro): Workload {
  return {
    ...{ name, group: 'micro', figures, clients: ['holdfast'], isLong: true },
    run: (_client, conditions) => run(conditions),
  }
}

function figure(title: string): Figure {
  return { title, unit: 'µs', better: 'less' }
}

/** Microseconds a packet with aes128-gcm, in the middle of nine runs, of which the first compile. */
function packetTimes(size: number, count: number): { readonly out: number; readonly in: number } {
  const keys = { key: randomBytes(16), iv: randomBytes(12), macKey: Buffer.alloc(0) }
  const padding = randomBytes(256)
  const outbound = new Outbound((bytes) => padding.subarray(0, bytes))
  const inbound = new Inbound({ identified: () => {}, packet: () => {} })
  inbound.receive(Buffer.from('SSH-2.0-bench\r\n'))
  outbound.switchKeys(aes128Gcm.sealer(keys, undefined), { resetSequence: true })
  inbound.switchKeys(aes128Gcm.opener(keys, undefined), { resetSequence: true })
  const payload = Buffer.alloc(size, 94)
  const runs = Array.from({ length: 9 }, () => {
    const startedAt = performance.now()
    for (let sent = 0; sent < count; sent++) outbound.send(payload)
    const sealedAt = performance.now()
    const pieces = outbound.take()
    const wire = Buffer.concat(pieces)
    const openedFrom = performance.now()
    inbound.receive(wire)
    return { out: sealedAt - startedAt, in: performance.now() - openedFrom }
  })
  const microseconds = (of: 'out' | 'in'): number => (median(runs.map((run) => run[of])) * 1000) / count
  return { out: microseconds('out'), in: microseconds('in') }
}

/** Microseconds a packet, sealed, carried in memory, opened and delivered, windows and simulated time included. */
async function channelTime(count: number): Promise<number> {
  let received = 0
  const sinks: NotingSink[] = []
  const accept = (opened: ConstructorParameters<typeof NotingSink>[0]): NotingSink => {
    const sink = new NotingSink(opened)
    sinks.push(sink)
    return sink
  }
  const { time, client } = corePair({
    server: { handlers: { channelOpen: () => ({ accept }), globalRequest: () => undefined } },
  })
  await time.value(client.connection.ready)
  const opened = await time.value(
    client.connection.open('session', Buffer.alloc(0), (channelHere) => new NotingSink(channelHere)),
  )
  const piece = Buffer.alloc(large)
  const carry = async (packetCount: number): Promise<number> => {
    const wanted = received + packetCount * large
    const startedAt = performance.now()
    for (let sent = 0; sent < packetCount; sent++) opened.write(piece)
    await time.until(() => sinks.reduce((sum, { bytes }) => sum + bytes, 0) >= wanted)
    received = wanted
    return performance.now() - startedAt
  }
  await carry(count)
  return ((await carry(count)) * 1000) / count
}

/** Microseconds from one probe to the next, for a peer that answers. */
function tickTime(count: number): number {
  const peer = new ScriptedPeer({ interval: intervalMs, countMax: 3 }, after(10))
  peer.keepalive.start(0)
  // The first half is there to be compiled.
  peer.run(count * intervalMs)
  const before = peer.sent.length
  const startedAt = performance.now()
  peer.run(2 * count * intervalMs)
  const microseconds = (performance.now() - startedAt) * 1000
  const probes = peer.sent.length - before
  if (peer.verdicts.length > 0) throw new Error('a peer that answers was given up')
  if (probes < 0.9 * count) throw new Error(`${probes} probes in ${count} intervals`)
  return microseconds / probes
}

/**
 * The parts that every byte and every connection pays for, alone and in memory: to see what a change does to them. They are
 * loaded when they are measured, since they bring modules of the repository, which no other process is to have in its heap.
 */
import { type Conditions, type Figure, type Sample, scaled, type Workload } from './workload.js'

const small = 64
const large = 32 * 1024

const packets: Workload = micro('micro-packets', {
  figures: {
    smallOut: figure(`frame and seal ${small} bytes`),
    smallIn: figure(`open ${small} bytes`),
    largeOut: figure('frame and seal 32 KiB'),
    largeIn: figure('open 32 KiB'),
  },
  run: async (conditions) => {
    const { packetTimes } = await import('../parts/packets.js')
    const count = scaled(20_000, conditions, 100)
    const ofSmall = packetTimes(small, count)
    const ofLarge = packetTimes(large, count / 10)
    return { smallOut: ofSmall.out, smallIn: ofSmall.in, largeOut: ofLarge.out, largeIn: ofLarge.in }
  },
})

const channel: Workload = micro('micro-channel', {
  figures: { data: figure('channel data of 32 KiB, through all of both ends') },
  run: async (conditions) => {
    const { channelTime } = await import('../parts/channel.js')
    return { data: await channelTime(scaled(4000, conditions, 50), large) }
  },
})

const keepalive: Workload = micro('micro-keepalive', {
  figures: { tick: figure('one interval of the keepalive: wake, probe, answer') },
  run: async (conditions) => {
    const { tickTime } = await import('../parts/keepalive.js')
    return { tick: tickTime(scaled(50_000, conditions, 100)) }
  },
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

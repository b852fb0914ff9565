import { corePair, NotingSink } from '../../test/support/core/pair.js'

/** Microseconds a packet, sealed, carried in memory, opened and delivered, windows and simulated time included. */
export async function channelTime(count: number, packetBytes: number): Promise<number> {
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
  const piece = Buffer.alloc(packetBytes)
  const carry = async (packetCount: number): Promise<number> => {
    const wanted = received + packetCount * packetBytes
    const startedAt = performance.now()
    for (let sent = 0; sent < packetCount; sent++) opened.write(piece)
    await time.until(() => sinks.reduce((sum, { bytes }) => sum + bytes, 0) >= wanted)
    received = wanted
    return performance.now() - startedAt
  }
  await carry(count)
  return ((await carry(count)) * 1000) / count
}

import { isKexMethodNumber, messageNumber } from '#src/wire/numbers.js'
import type { Random } from '../support/core/random.js'
import { ScriptedPeer } from '../support/core/scripted-peer.js'
import type { Stream } from '../support/core/stream.js'

/**
 * Stands between a client and a server with keys of its own on both sides, so that whatever it does to a payload arrives
 * under a right MAC. It exchanges keys with each side for itself, and passes on the rest.
 */
export class Interceptor {
  /** What the client takes for its server, and the server for its client. */
  readonly facingClient: ScriptedPeer
  readonly facingServer: ScriptedPeer

  constructor(random: Random, toClient: Stream, toServer: Stream, { strict }: { readonly strict: boolean }) {
    this.facingClient = new ScriptedPeer(random, toClient, { strict })
    this.facingServer = new ScriptedPeer(random, toServer, { strict, role: 'client' })
    join(this.facingClient, this.facingServer)
    join(this.facingServer, this.facingClient)
  }

  /** What either side did that nobody may do. */
  get complaint(): string | undefined {
    return this.facingClient.complaint ?? this.facingServer.complaint
  }

  start(): void {
    this.facingClient.start()
    this.facingServer.start()
  }
}

/** What `from` hears goes out by `to`, as soon as `to` is not in the middle of a key exchange. */
function join(from: ScriptedPeer, to: ScriptedPeer): void {
  const waiting: Buffer[] = []
  to.released = () => to.send(...waiting.splice(0))
  from.before = (payload) => {
    if (isOfExchange(payload.readUInt8(0))) return false
    if (to.isFree) to.send(payload)
    else waiting.push(payload)
    return true
  }
}

function isOfExchange(number: number): boolean {
  return number === messageNumber.KEXINIT || number === messageNumber.NEWKEYS || isKexMethodNumber(number)
}

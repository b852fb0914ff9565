import type { Outbound } from '../transport/outbound.js'
import { oversizeError } from '../transport/packet-size.js'

interface Held {
  readonly payload: Buffer
  readonly taken: (() => void) | undefined
  readonly handedOut: (() => void) | undefined
}

interface Mark {
  readonly position: number
  readonly taken: () => void
}

/** What a held message costs beside its bytes: many are of one byte, and a flood of those counts too. */
const heldOverhead = 256

/** Messages held back during a key exchange, and who wants to know when the kernel has taken theirs. */
export class SendQueue {
  readonly #outbound: Outbound
  #isHeld = false
  /** It is a silent peer that holds back, and no longer the kernel: limits on the peer run. */
  #isPeerDue = false
  #held: Held[] = []
  #heldBytes = 0
  #marks: Mark[] = []
  /** Who wants to know that a message of theirs is handed out with the next bytes. */
  #leaving: (() => void)[] = []
  #taken = 0

  constructor(outbound: Outbound) {
    this.#outbound = outbound
  }

  /** Whether messages wait for the end of a key exchange. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Bytes that were sealed and that the kernel has not taken. */
  get unsentBytes(): number {
    return this.#outbound.position - this.#taken
  }

  /** What waits for the end of a key exchange, in bytes of memory. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** From now on, until `release()`. */
  holdAll(): void {
    this.#isHeld = true
  }

  /** The kernel has taken what asks a silent peer to go on: from now on it is the peer that all held messages wait for. */
  peerIsDue(): void {
    this.#isPeerDue = true
    const held = this.#held
    this.#held = held.map(({ payload, handedOut }) => ({ payload, handedOut, taken: undefined }))
    for (const { taken } of held) taken?.()
  }

  release(): void {
    this.#isHeld = false
    this.#isPeerDue = false
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    for (const { payload, taken, handedOut } of held) this.sendNow(payload, taken, handedOut)
  }

  /** Now, or at the end of the exchange. @throws HoldfastError ERR_SSH_OPTION for what no packet can take */
  send(payload: Buffer, taken?: () => void, handedOut?: () => void): void {
    if (this.#isHeld) this.#hold(payload, taken, handedOut)
    else this.sendNow(payload, taken, handedOut)
  }

  /** Whatever is held: it belongs to the exchange itself. */
  sendNow(payload: Buffer, taken?: () => void, handedOut?: () => void): void {
    if (!this.#outbound.send(payload)) return
    if (handedOut !== undefined) this.#leaving.push(handedOut)
    if (taken !== undefined) this.#marks.push({ position: this.#outbound.position, taken })
  }

  /** The bytes to be written now. */
  takeOutput(): Uint8Array[] {
    for (const handedOut of this.#leaving.splice(0)) handedOut()
    return this.#outbound.take()
  }

  kernelTook(bytes: number): void {
    this.#taken += bytes
    let done = 0
    for (const { position } of this.#marks) {
      if (position > this.#taken) break
      done++
    }
    if (done === 0) return
    for (const { taken } of this.#marks.splice(0, done)) taken()
  }

  stop(): void {
    this.#held = []
    this.#heldBytes = 0
    this.#marks = []
    this.#leaving = []
  }

  #hold(payload: Buffer, taken?: () => void, handedOut?: () => void): void {
    const problem = oversizeError(payload)
    if (problem !== undefined) throw problem
    this.#heldBytes += payload.length + heldOverhead
    this.#held.push({ payload, taken: this.#isPeerDue ? undefined : taken, handedOut })
    if (this.#isPeerDue) taken?.()
  }
}

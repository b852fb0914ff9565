import { encodeIgnore } from '../wire/transport-messages.js'
import type { Mux } from './mux.js'

/**
 * sshd turns Nagle's algorithm off only when it starts a program. Until then its next small packet waits for the
 * acknowledgement of the one before, which our kernel puts off by 40 ms unless something is sent that can carry it.
 */
export class Acknowledgement {
  readonly #mux: Mux
  readonly #role: 'client' | 'server'

  constructor(role: 'client' | 'server', mux: Mux) {
    this.#role = role
    this.#mux = mux
  }

  /**
   * Whether the peer may be waiting for one. Others than OpenSSH were not seen to, and some choke on what they do not
   * expect. Where nobody waits for anything, nothing that the peer has still to say is urgent: an idle connection would
   * send as many of these as keepalives.
   */
  get isAwaited(): boolean {
    if (this.#role !== 'client' || this.#mux.hasProgram || !this.#mux.transport.isOpen) return false
    if (this.#mux.channels.isEmpty && this.#mux.waits.size === 0) return false
    return this.#mux.transport.peerSoftware?.startsWith('OpenSSH_') ?? false
  }

  /** To be called once what came has had its answers: where there were none, an empty message takes their place. */
  send(): void {
    if (this.isAwaited && this.#mux.transport.unsentBytes === 0) this.#mux.transport.send(encodeIgnore(Buffer.alloc(0)))
  }
}

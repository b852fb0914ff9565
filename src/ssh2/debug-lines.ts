import { inspect } from 'node:util'
import type { Handshake, HandshakeDirection } from './negotiated.js'

/** What the option `debug` is told, in ssh2's words: how a connection comes about, and how it ends. */
export class DebugLines {
  readonly #say: (text: string) => void

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  trying(host: string | undefined, port: number | undefined): void {
    this.#say(`Client: Trying ${host} on port ${port} ...`)
  }

  connected(): void {
    this.#say('Socket connected')
  }

  identified(line: Buffer | undefined): void {
    if (line !== undefined) this.#say(`Remote ident: ${inspect(line.toString('latin1'))}`)
  }

  exchanged({ kex, serverHostKey, cs, sc }: Handshake): void {
    this.#say(`Handshake: KEX algorithm: ${kex}`)
    this.#say(`Handshake: Host key format: ${serverHostKey}`)
    this.#say(`Handshake: C->S Cipher: ${cs.cipher}`)
    this.#say(`Handshake: S->C cipher: ${sc.cipher}`)
    this.#say(`Handshake: C->S MAC: ${macOf(cs)}`)
    this.#say(`Handshake: S->C MAC: ${macOf(sc)}`)
    this.#say(`Handshake: C->S compression: ${cs.compress}`)
    this.#say(`Handshake: S->C compression: ${sc.compress}`)
    this.#say('Handshake completed')
  }

  ready(): void {
    this.#say('Inbound: Received USERAUTH_SUCCESS')
  }

  failed(error: Error): void {
    this.#say(`Socket error: ${error.message}`)
  }

  closed(): void {
    this.#say('Socket closed')
  }
}

function macOf({ mac }: HandshakeDirection): string {
  return mac === '' ? '<implicit>' : mac
}

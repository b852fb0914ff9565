import { printable } from '../wire/printable.js'

/** How many are kept to be shown: sshd makes about one for each key that is tried. */
const maxKept = 64

/** What the peer says of itself in DEBUG messages. */
export class Remarks {
  #texts: readonly string[] = []
  #forcesCommand = false

  /** The first few, made safe to show. */
  get texts(): readonly string[] {
    return this.#texts
  }

  /** Whether it said, however late, that the key or certificate we came with forces a command. */
  get forcesCommand(): boolean {
    return this.#forcesCommand
  }

  came(raw: string): void {
    const text = printable(raw)
    if (saysForced(text)) this.#forcesCommand = true
    // Made anew, for there is one as a rule: `push` makes room for 17, which stays as long as the connection.
    if (this.#texts.length < maxKept) this.#texts = [...this.#texts, text]
  }
}

/**
 * sshd tells which options an authorized key or certificate has, when it is tried: `… key options: command pty …`. What
 * sshd_config forces (ForceCommand) it does not tell.
 */
function saysForced(remark: string): boolean {
  return /\bkey options:.*\bcommand\b/.test(remark)
}

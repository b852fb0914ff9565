import type { Namespace } from './namespace.js'
import { type Loss, lossRules } from './rules.js'

/** What stands between the client and the hosts: it translates addresses, keeps track of flows, and fails on demand. */
export class Gateway {
  readonly #namespace: Namespace

  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /** A flow is forgotten, without a word to anybody, when nothing of it passed for so long. @default 5 days, the kernel's */
  async forgetAfter(seconds: number): Promise<void> {
    await this.#namespace.script(`sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=${seconds}`)
  }

  /** Forgets every flow now, as a box that starts anew. */
  async forget(): Promise<void> {
    await this.#namespace.script('conntrack -F 2>&1')
  }

  /** Loses packets without a word, in addition to what is lost already, until `heal()`. */
  async drop(loss: Loss): Promise<void> {
    await this.#nft(lossRules(loss))
  }

  /** Undoes every `drop()`. */
  async heal(): Promise<void> {
    await this.#nft(['flush table ip faults'])
  }

  async #nft(lines: readonly string[]): Promise<void> {
    await this.#namespace.script(`nft -f - <<'RULES'\n${lines.join('\n')}\nRULES`)
  }
}

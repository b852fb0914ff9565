import type { Namespace } from './namespace.js'
import { slowDown, speedUp } from './rate.js'
import { type Endpoint, startRelay } from './relay.js'
import { type Direction, type Loss, lossRules } from './rules.js'
import { hostCable } from './set-up.js'
import type { Subnet } from './subnet.js'

/** What passed the client's cable, headers of IP and TCP included. */
export interface Passed {
  readonly toServer: number
  readonly toClient: number
}

export interface Rate {
  /** Thousands of bits a second. */
  readonly kbits: number
  /** @default 'both' */
  readonly direction?: Direction | 'both'
  /** The address of the host whose cable it is about, besides the client's. @default those of all hosts */
  readonly host?: string
}

/** What stands between the client and the hosts: it translates addresses, keeps track of flows, and fails on demand. */
export class Gateway {
  readonly #namespace: Namespace
  readonly #subnet: Subnet
  readonly #hosts: readonly Namespace[]

  constructor(namespace: Namespace, subnet: Subnet, hosts: readonly Namespace[]) {
    this.#namespace = namespace
    this.#subnet = subnet
    this.#hosts = hosts
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

  /** Lets through so much and no more, until `unlimited()`; what waits for longer than half a second is lost. */
  async rate({ kbits, direction = 'both', host }: Rate): Promise<void> {
    await this.#namespace.script(
      this.#cables(direction, host)
        .map((cable) => slowDown(cable, kbits))
        .join('\n'),
    )
  }

  /** Undoes every `rate()`. */
  async unlimited(): Promise<void> {
    await this.#namespace.script(this.#cables('both').map(speedUp).join('\n'))
  }

  /**
   * Ends every flow: the client's end gets a RST, and so do both ends of a relay; a program on a host finds its
   * connection aborted. While the client's cable loses what goes to it, or the gateway has forgotten the flow, no RST arrives.
   */
  async reset(): Promise<void> {
    // No rule of nft can do it to a flow on which nothing passes, since the sequence numbers are known to its ends alone.
    const reset = 'ss -KHtn not dst 127.0.0.0/8'
    await Promise.all([this.#namespace, ...this.#hosts].map((namespace) => namespace.script(reset)))
  }

  /**
   * Starts a relay inside the gateway by which every byte is underway for so long, each way, and returns where it
   * listens. It ends TCP on both sides: to connect takes no longer, and only what happens on the client's cable is seen
   * by the client's kernel.
   */
  delay(ms: number, to: Endpoint): Promise<Endpoint> {
    return startRelay(this.#namespace, this.#subnet.gateway, to, ms)
  }

  async passed(): Promise<Passed> {
    const listing = await this.#namespace.script('nft list table ip traffic')
    const bytes = (direction: Direction): number =>
      Number(new RegExp(`counter ${direction} {\\s*packets \\d+ bytes (\\d+)`).exec(listing)?.[1])
    return { toServer: bytes('to-server'), toClient: bytes('to-client') }
  }

  #cables(direction: Direction | 'both', host?: string): readonly string[] {
    const toHosts = [...this.#hosts.keys()]
      .filter((index) => host === undefined || this.#subnet.host(index) === host)
      .map(hostCable)
    return [...(direction === 'to-server' ? [] : ['client']), ...(direction === 'to-client' ? [] : toHosts)]
  }

  async #nft(lines: readonly string[]): Promise<void> {
    await this.#namespace.script(`nft -f - <<'RULES'\n${lines.join('\n')}\nRULES`)
  }
}

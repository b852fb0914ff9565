/** The gateway's rules, as nft(8) reads them. */
import type { Subnet } from './subnet.js'

export type Direction = 'to-server' | 'to-client'

export interface Loss {
  readonly direction: Direction | 'both'
  /** Of 1, by chance. @default 1 */
  readonly share?: number
  /** TCP segments that acknowledge and carry nothing, or what goes to and comes from one of the hosts. @default everything */
  readonly only?: 'empty-acks' | { readonly address: string }
}

/**
 * Address translation that refuses what belongs to no flow it knows, and says nothing: neither the one behind it, nor
 * the one that sent. What is lost is lost on the client's cable, before the gateway knows of it or after.
 */
export function gatewayRules({ client }: Subnet): string {
  return `
table ip translation {
  chain outgoing {
    type nat hook postrouting priority srcnat
    ip saddr ${client} masquerade
  }
}
table ip firewall {
  chain passing {
    type filter hook forward priority filter
    ct state invalid drop
  }
  chain own {
    type filter hook input priority filter
    ct state invalid drop
    ct state established,related accept
    ip saddr ${client} accept
    meta l4proto icmp accept
    iifname "lo" accept
    drop
  }
}
table ip faults {
  chain to-server { type filter hook prerouting priority -310; }
  chain to-client { type filter hook postrouting priority 310; }
}
table ip traffic {
  counter to-server { }
  counter to-client { }
  chain count-to-server {
    type filter hook prerouting priority -305
    iifname "client" counter name to-server
  }
  chain count-to-client {
    type filter hook postrouting priority 315
    oifname "client" counter name to-client
  }
}
`
}

export function lossRules({ direction, share = 1, only }: Loss): readonly string[] {
  const directions: readonly Direction[] = direction === 'both' ? ['to-server', 'to-client'] : [direction]
  const chance = share < 1 ? [`numgen random mod 1000 < ${Math.round(share * 1000)}`] : []
  return directions.flatMap((one) =>
    matches(one, only).map((match) => ['add rule ip faults', one, match, ...chance, 'drop'].join(' ')),
  )
}

function matches(direction: Direction, only: Loss['only']): readonly string[] {
  const onCable = direction === 'to-server' ? 'iifname "client"' : 'oifname "client"'
  if (only === undefined) return [onCable]
  if (only === 'empty-acks') return emptyAcks.map((match) => `${onCable} ${match}`)
  // From wherever it comes: a host may be reached by way of another.
  return [`ip ${direction === 'to-server' ? 'daddr' : 'saddr'} ${only.address}`]
}

/** nft cannot calculate, so a rule for each size that a TCP header can have, in words of 4 bytes (RFC 9293 section 3.1). */
const emptyAcks = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map(
  (words) => `tcp flags & (fin | syn | rst) == 0 tcp doff ${words} ip length ${20 + 4 * words}`,
)

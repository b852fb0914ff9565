/** What sh(1) runs in a fresh namespace to make it the gateway, or a host. */
import type { Namespace } from './namespace.js'
import { gatewayRules } from './rules.js'
import type { Subnet } from './subnet.js'

/** The gateway's end of the cable to a host. */
export function hostCable(index: number): string {
  return `host${index}`
}

/** Segments as long as on a real cable, see `layCable()`. */
const realSegments = 'gso_max_segs 1'

export function gatewaySetUp(subnet: Subnet, machines: readonly Pick<Namespace, 'pid'>[]): string {
  const cables = machines.flatMap(({ pid }, index) => [
    `link add ${hostCable(index)} ${realSegments} type veth peer name cable netns ${pid}`,
    `link set ${hostCable(index)} addrgenmode none up`,
    `address add ${subnet.router} peer ${subnet.host(index)} dev ${hostCable(index)}`,
  ])
  return `
ip -batch - <<'LINES'
link set lo up
link set client ${realSegments}
link set client addrgenmode none up
address add ${subnet.gateway} peer ${subnet.client} dev client
${cables.join('\n')}
LINES
nft -f - <<'RULES'
${gatewayRules(subnet)}
RULES
sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 net.ipv4.ip_forward=1
`
}

export function hostSetUp(subnet: Subnet, index: number): string {
  return `
ip -batch - <<'LINES'
link set lo up
link set cable ${realSegments}
link set cable addrgenmode none up
address add ${subnet.host(index)} peer ${subnet.router} dev cable
route add default via ${subnet.router}
LINES
`
}

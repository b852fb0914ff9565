import { randomInt } from 'node:crypto'
import { run } from '../../servers/run.js'

/** The addresses of one lab, a /24 of 198.18.0.0/15, which is set aside for tests of networks (RFC 2544, appendix C.2.2). */
export interface Subnet {
  readonly network: string
  /** Of this machine on its link to the gateway. */
  readonly client: string
  /** The gateway's on the clients' side, */
  readonly gateway: string
  /** and on the hosts' side. */
  readonly router: string
  readonly hosts: string
  host(index: number): string
}

const tries = 100
let links = 0

/**
 * The machine's end of the cable to the gateway, `client` at the gateway. Its name tells whose it is. Segments are as
 * long as on a real cable: longer ones would pass a loss as one packet, and not fit into a token bucket.
 */
export async function layCable(gatewayPid: number): Promise<string> {
  const name = `hf${process.pid}-${links++}`
  await ipBatch([
    `link add ${name} gso_max_segs 1 type veth peer name client netns ${gatewayPid}`,
    `link set ${name} addrgenmode none up`,
  ])
  return name
}

export async function takeUpCable(name: string): Promise<void> {
  await run('ip', ['link', 'delete', name])
}

/** Finds addresses that no other lab has. The kernel decides: it takes a route once, and drops it with its cable. */
export async function claimSubnet(cable: string): Promise<Subnet> {
  for (let left = tries; left > 0; left--) {
    const subnet = subnetNumber(randomInt(512))
    if (!(await isClaimed(subnet, cable))) continue
    await ipBatch([
      `address add ${subnet.client} peer ${subnet.gateway} dev ${cable}`,
      `route add ${subnet.hosts} via ${subnet.gateway} dev ${cable}`,
    ])
    return subnet
  }
  throw new Error('no part of 198.18.0.0/15 is free for a lab')
}

async function isClaimed({ network }: Subnet, cable: string): Promise<boolean> {
  try {
    await run('ip', ['route', 'add', network, 'dev', cable])
    return true
  } catch (error) {
    if (error instanceof Error && error.message.includes('File exists')) return false
    throw error
  }
}

function subnetNumber(number: number): Subnet {
  const prefix = `198.${18 + Math.floor(number / 256)}.${number % 256}`
  return {
    network: `${prefix}.0/24`,
    client: `${prefix}.1`,
    gateway: `${prefix}.2`,
    router: `${prefix}.129`,
    hosts: `${prefix}.128/25`,
    host: (index) => `${prefix}.${130 + index}`,
  }
}

async function ipBatch(lines: readonly string[]): Promise<void> {
  await run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` })
}

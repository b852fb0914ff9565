import { type Availability, preparation } from '../../servers/availability.js'
import { run } from '../../servers/run.js'
import { requireTools } from '../../servers/tools.js'
import { Gateway } from './gateway.js'
import { LabHost } from './host.js'
import { type Namespace, openNamespace } from './namespace.js'
import { gatewaySetUp, hostCable, hostSetUp } from './set-up.js'
import { parseSockets, type SocketInfo, socketsCommand } from './sockets.js'
import { claimSubnet, layCable, type Subnet, takeUpCable } from './subnet.js'

export interface LabOptions {
  /** See `Gateway.forgetAfter()`. */
  readonly forgetAfterS?: number
  /** How many machines stand behind the gateway. @default 1 */
  readonly hosts?: number
}

/** A client, which is the machine that the test runs on, a gateway, and hosts behind it. */
export interface Lab extends AsyncDisposable {
  readonly gateway: Gateway
  /** The first of the hosts. */
  readonly server: LabHost
  readonly hosts: readonly LabHost[]
  /** The client's end of its connections to the gateway and the hosts, whichever process made them. */
  sockets(): Promise<readonly SocketInfo[]>
  /** Ends everything that runs in the lab; afterwards nothing of it is left. */
  close(): Promise<void>
}

/** Installs the tools and tries whether this machine lets us make a lab. */
export const prepareLab: () => Promise<Availability> = preparation(async () => {
  await requireTools(['conntrack', 'ip', 'nft', 'nsenter', 'ss', 'tc', 'unshare'])
  await tryLab()
})

async function tryLab(): Promise<void> {
  try {
    const lab = await openLab()
    await lab.close()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`this machine allows no lab: ${reason.trim().replaceAll('\n', '; ')}`, { cause: error })
  }
}

/** Opens a lab of this test's own. It vanishes with the test process, however that ends. */
export async function openLab({ forgetAfterS, hosts = 1 }: LabOptions = {}): Promise<Lab> {
  const namespaces = await openNamespaces(1 + hosts)
  try {
    const lab = await connected(namespaces)
    if (forgetAfterS !== undefined) await lab.gateway.forgetAfter(forgetAfterS)
    return lab
  } catch (error) {
    // The cable to the machine ends where the gateway does.
    await Promise.all(namespaces.map((namespace) => namespace.close()))
    throw error
  }
}

async function openNamespaces(count: number): Promise<readonly Namespace[]> {
  const results = await Promise.allSettled(Array.from({ length: count }, openNamespace))
  const opened = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed === undefined) return opened
  await Promise.all(opened.map((namespace) => namespace.close()))
  throw failed.reason
}

/** The first becomes the gateway. */
async function connected([router, ...machines]: readonly Namespace[]): Promise<Lab> {
  if (router === undefined) throw new Error('a lab has a gateway')
  const cable = await layCable(router.pid)
  const subnet = await claimSubnet(cable)
  await router.script(gatewaySetUp(subnet, machines))
  await Promise.all(machines.map((machine, index) => machine.script(hostSetUp(subnet, index))))

  const hosts = connectedHosts(router, machines, subnet)
  const [server] = hosts
  if (server === undefined) throw new Error('a lab has one host at least')
  const end = async (): Promise<void> => {
    await Promise.all(hosts.map((host) => host.close()))
    // Deleted, since the kernel lets go of what a namespace had in its own time.
    await takeUpCable(cable)
    await router.close()
  }
  let ended: Promise<void> | undefined
  const close = (): Promise<void> => (ended ??= end())
  const sockets = async () => parseSockets((await run('sh', ['-c', `${socketsCommand} dst ${subnet.network}`])).stdout)
  return {
    gateway: new Gateway(router, subnet, machines),
    server,
    hosts,
    sockets,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function connectedHosts(router: Namespace, machines: readonly Namespace[], subnet: Subnet): readonly LabHost[] {
  let addresses = machines.length
  return machines.map((machine, index) => {
    const newAddress = async (): Promise<string> => {
      const address = subnet.host(addresses++)
      await router.script(`ip route add ${address} dev ${hostCable(index)}`)
      return address
    }
    return new LabHost(subnet.host(index), machine, newAddress)
  })
}

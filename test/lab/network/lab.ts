import { type Availability, preparation } from '../../servers/availability.js'
import { requireTools } from '../../servers/tools.js'
import { Gateway } from './gateway.js'
import { LabHost } from './host.js'
import { type Namespace, openNamespace } from './namespace.js'
import { gatewaySetUp, hostSetUp } from './set-up.js'
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
  /** Ends everything that runs in the lab; afterwards nothing of it is left. */
  close(): Promise<void>
}

/** Installs the tools and tries whether this machine lets us make a lab. */
export const prepareLab: () => Promise<Availability> = preparation(async () => {
  await requireTools(['conntrack', 'ip', 'nft', 'nsenter', 'ss', 'tc', 'unshare'])
  const lab = await openLab()
  await lab.close()
})

/** Opens a lab of this test's own. It vanishes with the test process, however that ends. */
export async function openLab({ forgetAfterS, hosts: count = 1 }: LabOptions = {}): Promise<Lab> {
  const namespaces = await openNamespaces(1 + count)
  const closeAll = () => Promise.all(namespaces.map((namespace) => namespace.close()))
  try {
    const [router, ...machines] = namespaces
    if (router === undefined) throw new Error('a lab has a gateway')
    const cable = await layCable(router.pid)
    const subnet = await claimSubnet(cable)
    await setUp(router, machines, subnet)
    const gateway = new Gateway(router)
    if (forgetAfterS !== undefined) await gateway.forgetAfter(forgetAfterS)
    const hosts = machines.map((machine, index) => new LabHost(subnet.host(index), machine))
    return labOf(gateway, hosts, async () => {
      await takeUpCable(cable)
      await Promise.all([router, ...hosts].map((host) => host.close()))
    })
  } catch (error) {
    // The cable ends where the gateway does.
    await closeAll()
    throw error
  }
}

function labOf(gateway: Gateway, hosts: readonly LabHost[], end: () => Promise<unknown>): Lab {
  const [server] = hosts
  if (server === undefined) throw new Error('a lab has one host at least')
  let ended: Promise<unknown> | undefined
  const close = async (): Promise<void> => {
    await (ended ??= end())
  }
  return { gateway, server, hosts, close, [Symbol.asyncDispose]: close }
}

async function openNamespaces(count: number): Promise<readonly Namespace[]> {
  const results = await Promise.allSettled(Array.from({ length: count }, openNamespace))
  const opened = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed === undefined) return opened
  await Promise.all(opened.map((namespace) => namespace.close()))
  throw failed.reason
}

async function setUp(router: Namespace, machines: readonly Namespace[], subnet: Subnet): Promise<void> {
  await router.script(gatewaySetUp(subnet, machines))
  await Promise.all(machines.map((machine, index) => machine.script(hostSetUp(subnet, index))))
}

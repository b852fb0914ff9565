/** What the rows that need a network have in common. */
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, Command, LivenessState } from 'holdfast'
import { socketsTo } from '../../../promises/support/sockets.js'
import type { Availability } from '../../../servers/availability.js'
import { prepareSshd, type SshdOptions, type SshdServer, type SshdVersion } from '../../../servers/sshd.js'
import type { Gateway } from '../../network/gateway.js'
import { type Lab, type LabOptions, openLab, prepareLab } from '../../network/lab.js'
import type { Watch } from '../../row.js'

/** Of every row that says nothing else: a peer is dead 4 s after its last packet. */
export const keepalive = { interval: '1s', countMax: 3 } as const
export const intervalMs = 1000
export const boundMs = 4 * intervalMs
/** By how much something may come late on a busy machine. */
export const slackMs = 3000
/** From the fault on: what was heard last was heard up to an interval before. */
export const due = [boundMs - intervalMs - 100, boundMs + slackMs] as const

export interface Scene {
  readonly lab: Lab
  readonly gateway: Gateway
  readonly server: SshdServer
}

export function needs(...versions: readonly SshdVersion[]): () => Promise<Availability> {
  return async () => {
    const needed = await Promise.all([prepareLab(), ...versions.map(prepareSshd)])
    return needed.find(({ available }) => !available) ?? { available: true }
  }
}

/** A network of its own with an sshd behind the gateway, for one test. */
export async function scene(t: TestContext, sshd: SshdOptions, options: LabOptions = {}): Promise<Scene> {
  const lab = await openLab(options)
  t.after(() => lab.close())
  return { lab, gateway: lab.gateway, server: await lab.server.sshd(sshd) }
}

/** Writes down what a client says of its peer, and returns all of it. */
export function follow(ssh: Client, watch?: Watch): readonly LivenessState[] {
  const states: LivenessState[] = []
  ssh.on('liveness', ({ to }) => {
    states.push(to)
    watch?.event(to)
  })
  return states
}

/** Waits until the peer's kernel has acknowledged everything: nothing is on its way to it. */
export async function untilAcknowledged({ host, port }: SshdServer): Promise<void> {
  while ((await socketsTo(port, host)).some(hasUnacknowledged)) await pause(20)
}

/** Its fifth field is tx_queue:rx_queue, proc(5). */
function hasUnacknowledged(socket: string): boolean {
  return !/^(\S+ ){4}0+:/.test(socket)
}

/** Four commands, whose windows hold more together than the kernel takes, and which read none of it. */
export function readNothing(ssh: Client, command: string): Promise<readonly Command[]> {
  return Promise.all([1, 2, 3, 4].map(() => ssh.spawn(command)))
}

/** The peer is there and has everything; then no packet passes any more. */
export async function vanish({ gateway, server }: Scene, watch: Watch, fault: string): Promise<void> {
  await untilAcknowledged(server)
  await gateway.drop({ direction: 'both' })
  watch.fault(fault)
}

import { describe } from 'node:test'
import { kexMethods } from '#src/kex/methods.js'
import { ciphers } from '#src/transport/ciphers.js'
import { macs } from '#src/transport/macs.js'
import { prepareAsyncssh, startAsyncssh } from '../servers/asyncssh.js'
import { type Availability, skipReason } from '../servers/availability.js'
import { type DropbearVersion, prepareDropbear, startDropbear } from '../servers/dropbear.js'
import type { ReferenceServer } from '../servers/reference-server.js'
import { knownToSshd, prepareSshd, type SshdVersion, startSshd } from '../servers/sshd.js'

/** A server that Holdfast must get on with. */
export interface Peer {
  readonly name: string
  /** How many commands it can be asked for at once. */
  readonly commandsAtOnce: number
  prepare(): Promise<Availability>
  start(): Promise<ReferenceServer>
  /** One that offers all that it knows of what Holdfast knows, and certificates for its host keys where it can. */
  startWithEveryAlgorithm(): Promise<ReferenceServer>
  /** One that asks for new keys after so many bytes; absent where that is 1 GiB and cannot be set. */
  readonly startRenewingKeys?: (bytes: number) => Promise<ReferenceServer>
}

const peers: readonly Peer[] = [
  opensshPeer('9.2'),
  opensshPeer('10'),
  dropbearPeer('2022.83'),
  dropbearPeer('2025'),
  asyncsshPeer(),
]

/** Declares the same tests for every peer. Those of a peer that cannot be had here are skipped, and say why. */
export function forEachPeer(declare: (peer: Peer) => void): void {
  for (const [index, peer] of peers.entries()) describe(peer.name, { skip: skipReasons[index] }, () => declare(peer))
}

const skipReasons = await Promise.all(peers.map(async (peer) => skipReason(await peer.prepare())))

function opensshPeer(version: SshdVersion): Peer {
  return {
    name: `OpenSSH ${version}`,
    commandsAtOnce: 100,
    prepare: () => prepareSshd(version),
    start: () => startSshd({ version }),
    async startWithEveryAlgorithm() {
      const common = async (query: 'kex' | 'cipher' | 'mac', ours: ReadonlyMap<string, unknown>): Promise<string> =>
        (await knownToSshd(version, query)).filter((name) => ours.has(name)).join()
      const config = {
        KexAlgorithms: await common('kex', kexMethods),
        Ciphers: await common('cipher', ciphers),
        MACs: await common('mac', macs),
      }
      return startSshd({ version, config, hostCertificates: true })
    },
    startRenewingKeys: (bytes) => startSshd({ version, config: { RekeyLimit: bytes } }),
  }
}

function dropbearPeer(version: DropbearVersion): Peer {
  const start = (): Promise<ReferenceServer> => startDropbear({ version })
  return {
    name: `dropbear ${version}`,
    // Up to 2024.85, when one command ends it closes the channels whose commands it has yet to start (mkj/dropbear#321).
    commandsAtOnce: version === '2022.83' ? 1 : 100,
    prepare: () => prepareDropbear(version),
    start,
    // All that it knows is on by default.
    startWithEveryAlgorithm: start,
  }
}

function asyncsshPeer(): Peer {
  const everyAlgorithm = { kex_algs: '*', encryption_algs: '*', mac_algs: '*' }
  return {
    name: 'AsyncSSH',
    commandsAtOnce: 100,
    prepare: prepareAsyncssh,
    start: () => startAsyncssh(),
    startWithEveryAlgorithm: () => startAsyncssh({ config: everyAlgorithm, hostCertificates: true }),
    startRenewingKeys: (bytes) => startAsyncssh({ config: { rekey_bytes: bytes } }),
  }
}

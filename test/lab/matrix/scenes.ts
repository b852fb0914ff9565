/** What may happen to a connection, as the opening of the page of failures tells it. */
import { setTimeout as pause } from 'node:timers/promises'
import { signalConnections } from '../../promises/support/signals.js'
import type { SshdServer } from '../../servers/sshd.js'
import type { Gateway } from '../network/gateway.js'
import type { MatrixClient } from './client.js'
import type { PeerState } from './record.js'

export interface Scene {
  readonly name: string
  /** One line for the page. */
  readonly how: string
  /** Where it ends well, the connection was kept. */
  readonly command: string
  readonly peer: PeerState
  readonly fault: (parts: Parts) => Promise<unknown> | void
}

interface Parts {
  readonly gateway: Gateway
  readonly server: SshdServer
  readonly clients: readonly MatrixClient[]
}

const forEver = 'sleep 30000'
const blockMs = 10_000
const forgetAfterS = 4
const acknowledgedMs = 500

export const scenes: readonly Scene[] = [
  {
    name: 'a NAT forgets what is idle',
    how: `conntrack forgets a flow after ${forgetAfterS} s; a command is silent for 9 s, then writes`,
    command: silentFor(9),
    peer: 'forgotten when idle',
    async fault(parts) {
      await parts.gateway.forgetAfter(forgetAfterS)
      begin(parts)
    },
  },
  {
    name: 'the peer vanishes, idle',
    how: 'every packet is dropped, both ways, while a command runs',
    command: forEver,
    peer: 'gone',
    fault: ({ gateway }) => gateway.drop({ direction: 'both' }),
  },
  {
    name: 'the peer vanishes, with unsent data',
    how: 'every packet is dropped, both ways, then 64 kB are written to the command',
    command: forEver,
    peer: 'gone',
    async fault({ gateway, clients }) {
      await gateway.drop({ direction: 'both' })
      for (const client of clients) client.do({ write: 'x'.repeat(65_536) })
    },
  },
  {
    name: 'the process of the peer is frozen',
    how: 'SIGSTOP to the sshd that serves the session; its kernel acknowledges',
    command: forEver,
    peer: 'gone',
    fault: ({ server }) => signalConnections(server, 'SIGSTOP'),
  },
  {
    name: 'our event loop is blocked',
    how: `the program computes for ${blockMs / 1000} s; the peer is there, the command ends after 6 s`,
    command: silentFor(6),
    peer: 'there',
    fault: block,
  },
  {
    name: 'our event loop is blocked, behind a NAT that forgets',
    how: `the same, and conntrack forgets a flow after ${forgetAfterS} s`,
    command: silentFor(6),
    peer: 'forgotten while blocked',
    async fault(parts) {
      await parts.gateway.forgetAfter(forgetAfterS)
      block(parts)
    },
  },
  {
    name: 'a firewall drops empty ACKs',
    how: 'a command is silent for 20 s, then writes; meanwhile TCP segments without payload are dropped, both ways; the peer is there, and nothing is on its way (where something is, TCP itself stands still until the peer writes)',
    command: silentFor(20),
    peer: 'there',
    async fault(parts) {
      begin(parts)
      // Data whose acknowledgement is dropped stalls TCP itself, until the peer has something to say.
      await pause(acknowledgedMs)
      await parts.gateway.drop({ direction: 'both', only: 'empty-acks' })
    },
  },
]

/** A command that is silent from `begin()` on: those who logged in first must not be ahead of the others. */
function silentFor(seconds: number): string {
  return `read _; sleep ${seconds}; echo awake`
}

function begin({ clients }: Parts): void {
  for (const client of clients) client.do({ write: '\n' })
}

function block(parts: Parts): void {
  begin(parts)
  for (const client of parts.clients) client.do({ block: blockMs })
}

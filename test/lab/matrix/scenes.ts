/** What may happen to a connection, as the opening of the page of failures tells it. */
import { signalConnections } from '../../promises/support/signals.js'
import type { SshdServer } from '../../servers/sshd.js'
import type { Gateway } from '../network/gateway.js'
import type { MatrixClient } from './client.js'
import type { PeerState } from './record.js'

export interface Scene {
  readonly name: string
  /** One line for the page. */
  readonly how: string
  /** Runs from the fault on; where it ends well, the connection was kept. */
  readonly command: string
  /** The network, before anybody logs in. */
  readonly forgetAfterS?: number
  readonly peer: PeerState
  readonly fault: (parts: Parts) => Promise<unknown>
}

interface Parts {
  readonly gateway: Gateway
  readonly server: SshdServer
  readonly clients: readonly MatrixClient[]
}

const forEver = 'sleep 30000'
const blockMs = 10_000

export const scenes: readonly Scene[] = [
  {
    name: 'a NAT forgets what is idle',
    how: 'conntrack forgets a flow after 4 s; a command is silent for 9 s, then writes',
    command: 'sleep 9; echo awake',
    peer: 'forgotten when idle',
    forgetAfterS: 4,
    fault: async () => {},
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
      for (const client of clients) client.do({ write: 65_536 })
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
    command: 'sleep 6; echo awake',
    peer: 'there',
    fault: blocked,
  },
  {
    name: 'our event loop is blocked, behind a NAT that forgets',
    how: `the same, and conntrack forgets a flow after 4 s`,
    command: 'sleep 6; echo awake',
    peer: 'forgotten when idle',
    forgetAfterS: 4,
    fault: blocked,
  },
  {
    name: 'a firewall drops empty ACKs',
    how: 'TCP segments without payload are dropped, both ways; the peer is there, a command is silent for 20 s, then writes',
    command: 'sleep 20; echo awake',
    peer: 'there',
    fault: ({ gateway }) => gateway.drop({ direction: 'both', only: 'empty-acks' }),
  },
]

async function blocked({ clients }: Parts): Promise<void> {
  for (const client of clients) client.do({ block: blockMs })
}

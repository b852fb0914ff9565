import { loadHoldfast } from '../holdfast-package.js'
import { hasNativeSsh2, loadDevTunnels, loadSsh2, type Peers } from '../peers.js'
import { bare } from './bare.js'
import type { BenchClient, ClientName } from './client.js'
import { devTunnels } from './dev-tunnels.js'
import { holdfast } from './holdfast.js'
import { openSsh } from './openssh.js'
import { ssh2 } from './ssh2.js'

export interface LoadedClient {
  readonly client: BenchClient
  /** Whether it is ssh2 with its native add-on. */
  readonly isNative: boolean
}

/** Loads one client into this process, and none of the others. */
export async function loadClient(
  name: ClientName,
  holdfastFolder: string,
  peers: Peers | undefined,
): Promise<LoadedClient> {
  if (name === 'holdfast') return { client: holdfast(await loadHoldfast(holdfastFolder)), isNative: false }
  if (name === 'bare') return { client: bare(), isNative: false }
  if (name === 'openssh') return { client: openSsh(), isNative: false }
  if (peers === undefined) throw new Error(`${name} was not installed`)
  if (name === 'dev-tunnels') return { client: devTunnels(...loadDevTunnels(peers.plain)), isNative: false }
  return loadSsh2As(name, peers)
}

function loadSsh2As(name: ClientName, { native, plain }: Peers): LoadedClient {
  const folder = name === 'ssh2-js' ? plain : native
  const isNative = hasNativeSsh2(folder)
  if (name === 'ssh2-js' && isNative) throw new Error(`ssh2 in ${plain} has its native add-on`)
  return { client: ssh2({ ...loadSsh2(folder), noDelay: name !== 'ssh2' }), isNative }
}

/** What the rows with a scripted server have in common. */
import type { TestContext } from 'node:test'
import { type ConnectOptions, connect } from 'holdfast'
import { account } from '../../../promises/support/embedded.js'
import { type Failure, failure } from '../../../promises/support/outcome.js'
import type { PeerSettings } from '../../peers/peer.js'
import { noteSettled, type PeerClient, type PeerRun, type Watch } from '../../row.js'
import { type Script, type ScriptedServer, scriptedServer } from '../../scripted-server.js'

/** What a machine that is busy may add to any time. */
export const slackMs = 3000

/** A `connect()` that fails, and the end of its socket at the server. */
export async function refused(server: ScriptedServer, options: ConnectOptions): Promise<Failure> {
  const { host, port } = server
  const failed = await failure(connect({ host, port, ...account, ...options }))
  await (await server.connection()).over
  return failed
}

/** For how long another client is watched. */
export const watchedMs = 15_000

interface LoginScene {
  /** What the watch calls it. */
  readonly fault: string
  readonly script: Script
  /** The limit for the whole login that each client is given, in milliseconds. */
  readonly limitMs: number
}

/** Other clients that try to log in, each with its own limit for that. */
export function logins(scene: LoginScene): { readonly ssh2: PeerRun; readonly openssh: PeerRun } {
  const { limitMs } = scene
  return {
    ssh2: (t, client, watch) => watchLogin(t, client, watch, scene, { readyTimeout: limitMs }),
    openssh: (t, client, watch) => watchLogin(t, client, watch, scene, { ConnectTimeout: limitMs / 1000 }),
  }
}

async function watchLogin(
  t: TestContext,
  client: PeerClient,
  watch: Watch,
  { fault, script }: LoginScene,
  settings: PeerSettings,
): Promise<void> {
  const server = await scriptedServer(t, script)
  const peer = client.start(server, { job: 'idle' }, settings)
  await server.connection()
  watch.fault(fault)
  noteSettled(watch, await peer.settled(watchedMs), watchedMs)
}

/** Another client that runs a command, and whether that comes to an end. */
export function commandRun(fault: string, script: Script, command = 'anything'): PeerRun {
  return async (t, client, watch) => {
    const server = await scriptedServer(t, script)
    const peer = client.start(server, { job: 'exec', command })
    await peer.event('ready', 10_000)
    watch.fault(fault)
    noteSettled(watch, await peer.settled(watchedMs), watchedMs)
  }
}

/** The scene of a row for clients written by others: watched, not judged. */
import type { TestContext } from 'node:test'
import type { SshdOptions } from '../../../servers/sshd.js'
import type { LabOptions } from '../../network/lab.js'
import type { PeerClient, PeerJob, PeerProcess, PeerSettings, Settled } from '../../peers/peer.js'
import { noteSettled, type Row, type Watch } from '../../row.js'
import type { Outcome } from '../../watch.js'
import { type Scene, scene } from './scene.js'

const loginMs = 10_000

export interface PeerScene {
  readonly sshd: SshdOptions
  readonly network?: LabOptions
  readonly job: PeerJob
  /** In each client's own words, over the sensible ones. */
  readonly settings?: { readonly ssh2: PeerSettings; readonly openssh: PeerSettings }
  /** How long it is watched from the fault on. @default 20 s */
  readonly watchedMs?: number
  /** Called once the client is logged in. */
  readonly fault: (scene: Scene, watch: Watch, peer: PeerProcess) => Promise<void>
  /** What else there is to note at the end. */
  readonly after?: (watch: Watch, peer: PeerProcess) => void
}

/** The peer is gone: who says so, and when? */
export function whoReports(peers: PeerScene): Row['peers'] {
  return watched(peers, noteSettled)
}

/** The peer is there, and the job can be done: who does it? */
export function whoSurvives(peers: PeerScene): Row['peers'] {
  return watched(peers, noteSurvival)
}

/** The peer is there, and nothing is to happen: who stays? */
export function whoStays(peers: PeerScene): Row['peers'] {
  return watched(peers, noteStay)
}

type Note = (watch: Watch, settled: Settled, watchedMs: number, peer: PeerProcess) => void

function watched(peers: PeerScene, note: Note): Row['peers'] {
  const { ssh2, openssh } = peers.settings ?? {}
  return {
    ssh2: (t, client, watch) => run(t, client, watch, peers, note, ssh2),
    openssh: (t, client, watch) => run(t, client, watch, peers, note, openssh),
  }
}

async function run(
  t: TestContext,
  client: PeerClient,
  watch: Watch,
  { sshd, network, job, watchedMs = 20_000, fault, after }: PeerScene,
  note: Note,
  settings?: PeerSettings,
): Promise<void> {
  const made = await scene(t, sshd, network)
  const peer = client.start(made.server, job, settings)
  await peer.event('ready', loginMs)
  await fault(made, watch, peer)
  note(watch, await peer.settled(watchedMs), watchedMs, peer)
  after?.(watch, peer)
}

function noteSurvival(watch: Watch, settled: Settled, watchedMs: number, peer: PeerProcess): void {
  watch.outcome(survival(watch, settled, watchedMs, peer))
}

/** What became of a client whose command can end well. */
export function survival(watch: Watch, settled: Settled, watchedMs: number, { events }: PeerProcess): Outcome {
  if (settled === 'never') return { kind: 'never', ms: watchedMs, text: `nothing within ${watchedMs / 1000} s` }
  const ms = watch.since(settled.at)
  const isDone = events.some(({ event, text }) => event === 'exit' && /\bexit 0\b/.test(text))
  return isDone
    ? { kind: 'kept', ms, text: 'the command ended well' }
    : { kind: 'killed-wrongly', ms, text: settled.text }
}

function noteStay(watch: Watch, settled: Settled, watchedMs: number): void {
  if (settled === 'never') watch.outcome({ kind: 'kept', ms: watchedMs, text: 'still connected' })
  else watch.outcome({ kind: 'killed-wrongly', ms: watch.since(settled.at), text: settled.text })
}

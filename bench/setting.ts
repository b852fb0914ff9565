import { cpus, loadavg, release, totalmem } from 'node:os'
import { commit, openSshVersion, packageVersion } from '../test/lab/report/versions.js'
import { run } from '../test/servers/run.js'
import { openSshRelease } from '../test/servers/sshd.js'
import { peerVersion } from './peers.js'
import { checkRelay, type RelayCheck } from './relay/check.js'

/** What was measured with, and where. */
export interface Setting {
  /** Day of the run: 2026-11-24. */
  readonly date: string
  /** `0.1.0 (commit 1b00a0b)` */
  readonly holdfast: string
  readonly ssh2: string
  readonly devTunnels: string
  /** The machine's own ssh(1). */
  readonly openssh: string
  readonly server: string
  /** `2 × AMD EPYC, 24 GB, Linux 6.18` */
  readonly machine: string
  /** Of those that wanted a processor, in the minute before: a machine of its own has none. */
  readonly load: number
  readonly relay: RelayCheck
}

export async function readSetting(): Promise<Setting> {
  const load = loadavg()[0] ?? NaN
  const processors = cpus()
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    holdfast: `${packageVersion('package.json')} (${await commit()})`,
    ssh2: peerVersion('ssh2'),
    devTunnels: peerVersion('@microsoft/dev-tunnels-ssh'),
    openssh: openSshVersion((await run('ssh', ['-V'])).stderr),
    server: openSshVersion(await openSshRelease('9.2')),
    machine: `${processors.length} × ${processors[0]?.model ?? 'unknown'}, ${gigabytes} GB, Linux ${release()}`,
    load,
    relay: await checkRelay(25),
  }
}

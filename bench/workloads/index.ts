import { connect } from './connect.js'
import { exec } from './exec.js'
import { execs } from './execs.js'
import { farWorkloads } from './far.js'
import { idle } from './idle.js'
import { liveness } from './liveness.js'
import { microWorkloads } from './micro.js'
import { oneShot } from './one-shot.js'
import { scaleWorkloads } from './scale.js'
import { sftpGet, sftpPut } from './sftp.js'
import { smallGet, smallPut } from './small-files.js'
import { download, otherCiphers, upload } from './streams.js'
import { treeGet, treePut } from './trees.js'
import type { Workload } from './workload.js'

/** In the order of the report. */
export const workloads: readonly Workload[] = [
  ...[connect, oneShot, exec, execs, download, upload, sftpGet, sftpPut],
  ...[smallGet, smallPut, treeGet, treePut],
  ...farWorkloads,
  liveness,
  idle,
  ...scaleWorkloads,
  ...otherCiphers,
  ...microWorkloads,
]

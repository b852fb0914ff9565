/** One large file by SFTP, from memory into memory. */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchClient, Files, Target } from '../clients/client.js'
import { makeLargeFile } from './file-trees.js'
import {
  type Conditions,
  measured,
  megabyte,
  type Sample,
  type Section,
  scaled,
  transferFigures,
  transferSample,
  type Workload,
} from './workload.js'

const bytesInFull = 400 * megabyte
/** So that what is measured has been compiled. */
const warmUpBytes = 32 * megabyte

export const sftpGet = transferring('get')
export const sftpPut = transferring('put')

type Way = 'get' | 'put'
type Places = Pick<Conditions, 'local' | 'remote'>

function transferring(way: Way): Workload {
  return {
    name: `sftp-${way}`,
    group: 'loopback',
    figures: transferFigures(`SFTP ${way}`),
    run(client, conditions) {
      const bytes = scaled(bytesInFull, conditions, megabyte)
      return transferred(client, conditions.target, conditions, { way, bytes, warmUp: Math.min(bytes, warmUpBytes) })
    },
  }
}

/** @returns undefined where the client has no SFTP */
export async function transferred(
  client: BenchClient,
  target: Target,
  places: Places,
  { way, bytes, warmUp }: { readonly way: Way; readonly bytes: number; readonly warmUp: number },
): Promise<Sample | undefined> {
  const connection = await client.connect(target)
  try {
    const files = await connection.files()
    if (files === undefined) return undefined
    await transferOne(client, files, places, way, warmUp)
    const section = await transferOne(client, files, places, way, bytes)
    await files.close()
    return transferSample(bytes, section)
  } finally {
    await connection.close()
  }
}

async function transferOne(
  client: BenchClient,
  files: Files,
  places: Places,
  way: Way,
  bytes: number,
): Promise<Section> {
  const local = join(places.local, 'large')
  const remote = join(places.remote, 'large')
  const [source, copy] = way === 'get' ? [remote, local] : [local, remote]
  try {
    await makeLargeFile(source, bytes)
    const section = await measured(client, () => (way === 'get' ? files.get(remote, local) : files.put(local, remote)))
    const { size } = await stat(copy)
    if (size !== bytes) throw new Error(`${copy} has ${size} of ${bytes} bytes`)
    return section
  } finally {
    await Promise.all([rm(source, { force: true }), rm(copy, { force: true })])
  }
}

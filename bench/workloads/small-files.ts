/** Files of 1 KB by calls of their own: in turn, and 32 at once. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchClient, Files, SmallFiles } from '../clients/client.js'
import { expectFiles, makeOpenFolder, makeSmallFiles, smallContent } from './file-trees.js'
import { type Conditions, measured, type Sample, scaled, type Workload } from './workload.js'

const atOnce = 32

export const smallGet = smallFiles('get')
export const smallPut = smallFiles('put')

type Way = 'get' | 'put'

function smallFiles(way: Way): Workload {
  return {
    name: `small-${way}`,
    group: 'loopback',
    figures: {
      turn: { title: `files of 1 KB, ${way}: in turn`, unit: 'files/s', better: 'more' },
      once: { title: `files of 1 KB, ${way}: ${atOnce} at once`, unit: 'files/s', better: 'more' },
    },
    async run(client, conditions) {
      const connection = await client.connect(conditions.target)
      try {
        const files = await connection.files()
        if (files === undefined) return undefined
        const turn = await filesASecond(client, files, conditions, { way, count: scaled(1000, conditions, 50) })
        const once = await filesASecond(client, files, conditions, {
          way,
          count: scaled(6000, conditions, 100),
          atOnce,
        })
        await files.close()
        return { ...named('turn', turn), ...named('once', once) }
      } finally {
        await connection.close()
      }
    },
  }
}

interface Task {
  readonly way: Way
  readonly count: number
  readonly atOnce?: number
}

/** @returns undefined where the client has no such way */
async function filesASecond(
  client: BenchClient,
  files: Files,
  conditions: Conditions,
  { way, count, atOnce: many = 1 }: Task,
): Promise<number | undefined> {
  const local = join(conditions.local, 'small')
  const remote = join(conditions.remote, 'small')
  const transfer = (small: SmallFiles): Promise<boolean> =>
    way === 'get' ? files.getEach(small, many) : files.putEach(small, many)
  try {
    const names = await makeSmallFiles(way === 'get' ? remote : local, count)
    await (way === 'get' ? mkdir(local) : makeOpenFolder(remote))
    const small = { local, remote, names, content: smallContent }
    const warmUp = { ...small, names: names.slice(0, Math.min(200, count / 2)) }
    if (!(await transfer(warmUp))) return undefined
    const { seconds } = await measured(client, () => transfer(small))
    if (way === 'put') await expectFiles(remote, count)
    return count / seconds
  } finally {
    await Promise.all([local, remote].map((folder) => rm(folder, { recursive: true, force: true })))
  }
}

function named(figure: string, value: number | undefined): Sample {
  return value === undefined ? {} : { [figure]: value }
}

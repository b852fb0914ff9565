/** A folder of 2,000 files of 1 KB as a whole, by what the client has for that. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Files } from '../clients/client.js'
import { expectFiles, makeSmallFiles } from './file-trees.js'
import { type Conditions, measured, scaled, type Workload } from './workload.js'

export const treeGet = tree('get')
export const treePut = tree('put')

type Way = 'get' | 'put'

function tree(way: Way): Workload {
  return {
    name: `tree-${way}`,
    group: 'loopback',
    figures: {
      speed: { title: `a folder of 2,000 files of 1 KB, ${way}`, unit: 'files/s', better: 'more' },
      cpu: { title: `a folder of 2,000 files of 1 KB, ${way}: CPU`, unit: 'ms', better: 'less' },
    },
    async run(client, conditions) {
      const connection = await client.connect(conditions.target)
      try {
        const files = await connection.files()
        if (files === undefined) return undefined
        const count = scaled(2000, conditions, 50)
        await transferTree(files, conditions, { way, count: Math.min(count, 200) }, (work) => work())
        let sample = {}
        await transferTree(files, conditions, { way, count }, async (work) => {
          const { seconds, cpuSeconds } = await measured(client, work)
          sample = { speed: count / seconds, cpu: (cpuSeconds * 1000 * 2000) / count }
        })
        await files.close()
        return sample
      } finally {
        await connection.close()
      }
    },
  }
}

async function transferTree(
  files: Files,
  conditions: Conditions,
  { way, count }: { readonly way: Way; readonly count: number },
  around: (work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const local = join(conditions.local, 'tree')
  const remote = join(conditions.remote, 'tree')
  const [source, copy] = way === 'get' ? [remote, local] : [local, remote]
  try {
    await makeSmallFiles(source, count)
    await around(() => (way === 'get' ? files.getTree(remote, local) : files.putTree(local, remote)))
    await expectFiles(copy, count)
  } finally {
    await Promise.all([local, remote].map((folder) => rm(folder, { recursive: true, force: true })))
  }
}

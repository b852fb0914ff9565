/**
 * Holdfast as its users install it: its modules joined as they are for a release. From the repository a process would load ten
 * times the files, and keep more in its heap.
 */
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as holdfast from 'holdfast'
import { root } from '../test/lab/report/root.js'
import { run } from '../test/servers/run.js'

export type Holdfast = Pick<typeof holdfast, 'connect'>

/** Makes the package in a new folder. */
export async function packHoldfast(folder: string): Promise<void> {
  const repository = fileURLToPath(root)
  await mkdir(folder)
  for (const name of ['package.json', 'src', 'dist']) {
    await cp(join(repository, name), join(folder, name), { recursive: true })
  }
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'), 'junction')
  await run(process.execPath, [join(repository, 'scripts/bundle.mjs'), folder])
}

export async function loadHoldfast(folder: string): Promise<Holdfast> {
  return (await import(pathToFileURL(join(folder, 'dist/index.js')).href)) as Holdfast
}

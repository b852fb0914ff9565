import { createWriteStream } from 'node:fs'
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { writeZeros } from '../clients/write-zeros.js'

export const smallContent = Buffer.alloc(1024, 'holdfast')

/** Its pages are there: a file of holes would be read faster than it is sent. */
export async function makeLargeFile(path: string, bytes: number): Promise<void> {
  const stream = createWriteStream(path, { mode: 0o644 })
  const done = finished(stream)
  await writeZeros(stream, bytes)
  await done
}

/** A folder that the server's user may write to, whoever made it. */
export async function makeOpenFolder(path: string): Promise<void> {
  await mkdir(path)
  await chmod(path, 0o777)
}

/** @returns the names of so many small files in a new folder */
export async function makeSmallFiles(folder: string, count: number): Promise<readonly string[]> {
  await makeOpenFolder(folder)
  const names = Array.from({ length: count }, (_, index) => `file-${index}`)
  for (const name of names) await writeFile(join(folder, name), smallContent)
  return names
}

/** @throws Error unless so many small files are there, and whole */
export async function expectFiles(folder: string, count: number): Promise<void> {
  const names = await readdir(folder)
  if (names.length !== count) throw new Error(`${folder} has ${names.length} files in place of ${count}`)
  for (const name of names) {
    const { size } = await stat(join(folder, name))
    if (size !== smallContent.length) throw new Error(`${join(folder, name)} has ${size} bytes`)
  }
}

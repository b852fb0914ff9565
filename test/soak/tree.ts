/** Trees of bytes that follow from a seed, and what tells two of them apart. */
import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'

export interface TreeSize {
  /** Small files, of up to 8 KiB each. */
  readonly files: number
  /** Of the large file. */
  readonly bytes: number
}

const filesADirectory = 100
const smallMost = 8 * 1024
const pieceBytes = 1024 * 1024

/** @returns how many bytes the files have in all */
export async function makeTree(folder: string, { files, bytes }: TreeSize, seed: number): Promise<number> {
  let total = bytes
  for (let index = 0; index < files; index++) {
    const directory = path.join(folder, `directory-${Math.floor(index / filesADirectory)}`)
    if (index % filesADirectory === 0) await mkdir(directory, { recursive: true })
    const size = (index * 7919) % smallMost
    total += size
    await makeFile(path.join(directory, `file-${index}`), size, `${seed}:${index}`)
  }
  await makeFile(path.join(folder, 'large'), bytes, `${seed}:large`)
  return total
}

async function makeFile(name: string, bytes: number, seed: string): Promise<void> {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16)
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(Math.min(pieceBytes, bytes))
  const file = await open(name, 'wx')
  try {
    for (let left = bytes; left > 0; left -= zeros.length)
      await file.write(stream.update(zeros.subarray(0, Math.min(zeros.length, left))))
  } finally {
    await file.close()
  }
}

/** Of every file its path, permissions, time and contents; the same for two trees that are. */
export async function digestTree(folder: string): Promise<string> {
  const whole = createHash('sha256')
  const names = await readdir(folder, { recursive: true })
  for (const name of names.toSorted()) {
    const stats = await stat(path.join(folder, name))
    whole.update(`${name}\0${stats.mode & 0o777}\0${Math.floor(stats.mtimeMs / 1000)}\0`)
    if (stats.isFile()) whole.update(await digestFile(path.join(folder, name)))
  }
  return `${names.length} entries, sha256 ${whole.digest('hex')}`
}

async function digestFile(name: string): Promise<Buffer> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(name, { highWaterMark: pieceBytes }), hash)
  return hash.digest()
}

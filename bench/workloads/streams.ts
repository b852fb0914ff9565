/** What a command writes, and what it reads: the speed of a channel in each direction. */
import type { BenchClient, Target } from '../clients/client.js'
import { measured, megabyte, type Sample, scaled, transferFigures, transferSample, type Workload } from './workload.js'

const bytesInFull = 600 * megabyte
/** So that what is measured has been compiled. */
const warmUpBytes = 48 * megabyte

export const download = downloading('download', undefined)
export const upload = uploading('upload', undefined)

/** The same under other ciphers. */
export const otherCiphers: readonly Workload[] = [
  downloading('download-chacha', 'chacha20-poly1305@openssh.com'),
  uploading('upload-chacha', 'chacha20-poly1305@openssh.com'),
  downloading('download-ctr', 'aes256-ctr'),
  uploading('upload-ctr', 'aes256-ctr'),
]

function downloading(name: string, cipher: string | undefined): Workload {
  return {
    name,
    group: cipher === undefined ? 'loopback' : 'ciphers',
    figures: transferFigures(cipher === undefined ? 'download' : `download, ${cipher}`),
    run(client, conditions) {
      const target = withCipher(conditions.target, cipher)
      return downloaded(client, target, scaled(bytesInFull, conditions, megabyte), warmUpBytes)
    },
  }
}

function uploading(name: string, cipher: string | undefined): Workload {
  return {
    name,
    group: cipher === undefined ? 'loopback' : 'ciphers',
    figures: transferFigures(cipher === undefined ? 'upload' : `upload, ${cipher}`),
    async run(client, conditions) {
      const connection = await client.connect(withCipher(conditions.target, cipher))
      try {
        const bytes = scaled(bytesInFull, conditions, megabyte)
        const send = (count: number): Promise<void> => connection.send('cat > /dev/null', count)
        await send(Math.min(bytes, warmUpBytes))
        return transferSample(bytes, await measured(client, () => send(bytes)))
      } finally {
        await connection.close()
      }
    },
  }
}

export async function downloaded(client: BenchClient, target: Target, bytes: number, warmUp: number): Promise<Sample> {
  const connection = await client.connect(target)
  try {
    const receive = async (count: number): Promise<void> => {
      const received = await connection.receive(`head -c ${count} /dev/zero`)
      if (received !== undefined && received !== count) throw new Error(`${received} of ${count} bytes came`)
    }
    await receive(Math.min(bytes, warmUp))
    return transferSample(bytes, await measured(client, () => receive(bytes)))
  } finally {
    await connection.close()
  }
}

function withCipher(target: Target, cipher: string | undefined): Target {
  return cipher === undefined ? target : { ...target, cipher }
}

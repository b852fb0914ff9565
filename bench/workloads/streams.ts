/** What a command writes, and what it reads: the speed of a channel in each direction. */
import { readFileSync } from 'node:fs'
import { type BenchClient, type Connection, realClients, type Target } from '../clients/client.js'
import {
  gigabyte,
  measured,
  megabyte,
  type Sample,
  scaled,
  transferFigures,
  transferSample,
  type Workload,
} from './workload.js'

const bytesInFull = 600 * megabyte
/** So that what is measured has been compiled. */
const warmUpBytes = 48 * megabyte

/** The bare loop has one cipher. */
const otherCipher = { group: 'ciphers', clients: realClients, isLong: true, mostRounds: 2 } as const

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
    ...(cipher === undefined ? { group: 'loopback' } : otherCipher),
    figures: {
      ...transferFigures(cipher === undefined ? 'download' : `download, ${cipher}`),
      ...(cipher === undefined && { server: { title: 'download: CPU of sshd', unit: 's/GB', better: 'less' } }),
    },
    run(client, conditions) {
      const target = withCipher(conditions.target, cipher)
      return downloaded(client, target, scaled(bytesInFull, conditions, megabyte), warmUpBytes)
    },
  }
}

function uploading(name: string, cipher: string | undefined): Workload {
  return {
    name,
    ...(cipher === undefined ? { group: 'loopback' } : otherCipher),
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
    const serverSeconds = await serverClock(connection)
    const before = serverSeconds()
    const section = await measured(client, () => receive(bytes))
    return { ...transferSample(bytes, section), server: (serverSeconds() - before) / (bytes / gigabyte) }
  } finally {
    await connection.close()
  }
}

/** CPU seconds of the sshd that serves this connection: a command's parent. */
async function serverClock(connection: Connection): Promise<() => number> {
  const pid = Number(await connection.exec('echo $PPID'))
  return () => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9
}

function withCipher(target: Target, cipher: string | undefined): Target {
  return cipher === undefined ? target : { ...target, cipher }
}

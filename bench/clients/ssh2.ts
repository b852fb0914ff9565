import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CipherAlgorithm, Client, ClientChannel, SFTPWrapper } from 'ssh2'
import {
  type BenchClient,
  type Connection,
  type ConnectOptions,
  type Files,
  forEach,
  ownCpuSeconds,
  ownMemoryBytes,
  type Target,
} from './client.js'
import { writeZeros } from './write-zeros.js'

/** How a program that wants the most of ssh2 would ask for small files. */
const filesAtOnce = 32

export interface Ssh2Variant {
  readonly Client: new () => Client
  readonly noDelay: boolean
}

export function ssh2({ Client: Ssh2Client, noDelay }: Ssh2Variant): BenchClient {
  const open = async (target: Target, { keepaliveMs }: ConnectOptions = {}): Promise<Client> => {
    const { host, port, username, privateKeyFile, cipher } = target
    const client = new Ssh2Client()
    const ready = once(client, 'ready')
    client.connect({
      ...{ host, port, username, privateKey: readFileSync(privateKeyFile) },
      algorithms: { cipher: [cipher as CipherAlgorithm] },
      ...(keepaliveMs !== undefined && { keepaliveInterval: keepaliveMs }),
    })
    if (noDelay) client.setNoDelay(true)
    await ready
    return client
  }
  return {
    inOneProcess: true,
    cpuSeconds: ownCpuSeconds,
    memoryBytes: ownMemoryBytes,
    connect: async (target, options) => connection(await open(target, options)),
    async once(target, command) {
      const client = connection(await open(target))
      await client.exec(command)
      await client.close()
    },
  }
}

function connection(client: Client): Connection {
  const start = promisify((command: string, callback: (error: Error | undefined, channel: ClientChannel) => void) =>
    client.exec(command, callback),
  )
  const exec = async (command: string): Promise<string> => {
    const channel = await start(command)
    const closed = once(channel, 'close')
    const chunks: Buffer[] = []
    channel.on('data', (chunk: Buffer) => chunks.push(chunk))
    channel.stderr.resume()
    channel.end()
    const [code] = (await closed) as [number | null]
    if (code !== 0) throw new Error(`${command}: exit code ${code}`)
    return Buffer.concat(chunks).toString()
  }
  return {
    exec,
    async execSideBySide(command, count) {
      await Promise.all(Array.from({ length: count }, () => exec(command)))
    },
    async receive(command) {
      let bytes = 0
      const channel = await start(command)
      const closed = once(channel, 'close')
      channel.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      await closed
      return bytes
    },
    async send(command, bytes) {
      const channel = await start(command)
      const closed = once(channel, 'close')
      channel.resume()
      await writeZeros(channel, bytes)
      await closed
    },
    files: async () => files(await promisify(client.sftp.bind(client))()),
    async close() {
      const closed = once(client, 'close')
      client.end()
      await closed
    },
  }
}

function files(sftp: SFTPWrapper): Files {
  const fastGet = promisify((remote: string, local: string, callback: (error?: Error | null) => void) =>
    sftp.fastGet(remote, local, callback),
  )
  const fastPut = promisify((local: string, remote: string, callback: (error?: Error | null) => void) =>
    sftp.fastPut(local, remote, callback),
  )
  const readFile = promisify((path: string, callback: (error: Error | undefined, content: Buffer) => void) =>
    sftp.readFile(path, callback),
  )
  const writeFile = promisify((path: string, content: Buffer, callback: (error?: Error | null) => void) =>
    sftp.writeFile(path, content, callback),
  )
  const list = promisify(sftp.readdir.bind(sftp))
  const makeDirectory = promisify((path: string, callback: (error?: Error | null) => void) =>
    sftp.mkdir(path, callback),
  )
  return {
    get: fastGet,
    put: fastPut,
    async getTree(remote, local) {
      await mkdir(local)
      const names = (await list(remote)).map(({ filename }) => filename)
      await forEach(names, filesAtOnce, (name) => fastGet(join(remote, name), join(local, name)))
    },
    async putTree(local, remote) {
      await makeDirectory(remote)
      await forEach(await readdir(local), filesAtOnce, (name) => fastPut(join(local, name), join(remote, name)))
    },
    async getEach({ remote, names, content }, atOnce) {
      await forEach(names, atOnce, async (name) => {
        const { length } = await readFile(join(remote, name))
        if (length !== content.length) throw new Error(`${name} came with ${length} bytes`)
      })
      return true
    },
    async putEach({ remote, names, content }, atOnce) {
      await forEach(names, atOnce, (name) => writeFile(join(remote, name), content))
      return true
    },
    async close() {
      sftp.end()
    },
  }
}

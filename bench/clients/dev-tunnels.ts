import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import {
  type BenchClient,
  type Connection,
  type ConnectOptions,
  ownCpuSeconds,
  ownMemoryBytes,
  type Target,
} from './client.js'
import type { DevTunnels, KeyReader, SshChannel, SshClientSession } from './dev-tunnels-api.js'

/** It knows these names; none of them is AES-128. */
const ciphers: Readonly<Record<string, string>> = {
  'aes128-gcm@openssh.com': 'aes256-gcm@openssh.com',
  'aes256-gcm@openssh.com': 'aes256-gcm@openssh.com',
  'aes256-ctr': 'aes256-ctr',
}

const piece = Buffer.alloc(64 * 1024)

export function devTunnels(library: DevTunnels, keys: KeyReader): BenchClient {
  const open = async (target: Target, options: ConnectOptions = {}): Promise<Connection> => {
    const session = new library.SshClientSession(configuration(library, target, options))
    session.onAuthenticating((event) => {
      event.authenticationPromise = Promise.resolve({})
    })
    const socket = connectSocket({ host: target.host, port: target.port, noDelay: true })
    await once(socket, 'connect')
    await session.connect(new library.NodeStream(socket))
    const key = await keys.importKey(readFileSync(target.pemKeyFile, 'utf8'))
    if (!(await session.authenticate({ username: target.username, publicKeys: [key] })))
      throw new Error('dev-tunnels-ssh was not let in')
    return connection(library, session, socket)
  }
  return {
    inOneProcess: true,
    cpuSeconds: ownCpuSeconds,
    memoryBytes: ownMemoryBytes,
    connect: open,
    async once(target, command) {
      const ssh = await open(target)
      await ssh.exec(command)
      await ssh.close()
    },
  }
}

function configuration(library: DevTunnels, { cipher }: Target, { keepaliveMs }: ConnectOptions) {
  const config = new library.SshSessionConfiguration()
  const name = ciphers[cipher]
  const algorithm = config.encryptionAlgorithms.find((known) => known?.name === name)
  if (algorithm === undefined) throw new Error(`dev-tunnels-ssh has no ${cipher}`)
  config.encryptionAlgorithms.splice(0, Infinity, algorithm)
  if (keepaliveMs !== undefined) config.keepAliveTimeoutInSeconds = keepaliveMs / 1000
  return config
}

function connection(library: DevTunnels, session: SshClientSession, socket: Socket): Connection {
  const start = async (command: string, received: (data: Buffer) => void): Promise<Running> => {
    const channel = await session.openChannel()
    const closed = new Promise<void>((resolve) => {
      channel.onClosed(() => resolve())
    })
    channel.onDataReceived((data) => {
      received(data)
      channel.adjustWindow(data.length)
    })
    const request = new library.CommandRequestMessage()
    request.command = command
    request.wantReply = true
    if (!(await channel.request(request))) throw new Error(`${command}: refused`)
    return { channel, closed }
  }
  const exec = async (command: string): Promise<string> => {
    const chunks: Buffer[] = []
    const { closed } = await start(command, (data) => chunks.push(Buffer.from(data)))
    await closed
    return Buffer.concat(chunks).toString()
  }
  return {
    exec,
    async execSideBySide(command, count) {
      await Promise.all(Array.from({ length: count }, () => exec(command)))
    },
    async receive(command) {
      let bytes = 0
      const { closed } = await start(command, (data) => {
        bytes += data.length
      })
      await closed
      return bytes
    },
    async send(command, bytes) {
      const { channel, closed } = await start(command, () => {})
      for (let rest = bytes; rest > 0; rest -= piece.length)
        await channel.send(rest >= piece.length ? piece : piece.subarray(0, rest))
      // An empty one is EOF.
      await channel.send(Buffer.alloc(0))
      await closed
    },
    files: async () => undefined,
    async close() {
      const closed = once(socket, 'close')
      session.dispose()
      socket.destroy()
      await closed
    },
  }
}

interface Running {
  readonly channel: SshChannel
  readonly closed: Promise<void>
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client, Sftp } from 'holdfast'
import type { Holdfast } from '../holdfast-package.js'
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

export function holdfast(library: Holdfast): BenchClient {
  return {
    inOneProcess: true,
    cpuSeconds: ownCpuSeconds,
    memoryBytes: ownMemoryBytes,
    async connect(target, options) {
      return connection(await open(library, target, options))
    },
    async once(target, command) {
      const ssh = await open(library, target)
      await ssh.exec(command)
      await ssh.close()
    },
  }
}

/** Also for the workloads that no other client has. */
export function open(
  { connect }: Holdfast,
  target: Target,
  { keepaliveMs, sessionsAhead = 0 }: ConnectOptions = {},
): Promise<Client> {
  const { host, port, username, privateKeyFile, cipher } = target
  return connect({
    ...{ host, port, username, agent: false },
    privateKey: readFileSync(privateKeyFile),
    hostKey: { policy: 'off' },
    algorithms: { cipher: [cipher] },
    sessionsAhead,
    ...(keepaliveMs !== undefined && { keepalive: { interval: keepaliveMs } }),
  })
}

function connection(ssh: Client): Connection {
  const exec = async (command: string): Promise<string> => (await ssh.exec(command, { check: true })).stdout
  return {
    exec,
    async execSideBySide(command, count) {
      await Promise.all(Array.from({ length: count }, () => exec(command)))
    },
    async receive(command) {
      let bytes = 0
      const { stdout, exited } = await ssh.spawn(command)
      stdout.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      await exited
      return bytes
    },
    async send(command, bytes) {
      const { stdin, stdout, exited } = await ssh.spawn(command)
      stdout.resume()
      await writeZeros(stdin, bytes)
      await exited
    },
    files: async () => files(await ssh.sftp()),
    close: () => ssh.close(),
  }
}

/** Times and permissions stay where they are, as with the other clients. */
const alone = { preserve: false } as const

function files(sftp: Sftp): Files {
  return {
    async get(remote, local) {
      await sftp.get(remote, local, alone)
    },
    async put(local, remote) {
      await sftp.put(local, remote, alone)
    },
    async getTree(remote, local) {
      await sftp.get(remote, local, alone)
    },
    async putTree(local, remote) {
      await sftp.put(local, remote, alone)
    },
    async getEach({ remote, names, content }, atOnce) {
      await forEach(names, atOnce, async (name) => {
        const { length } = await sftp.readFile(join(remote, name))
        if (length !== content.length) throw new Error(`${name} came with ${length} bytes`)
      })
      return true
    },
    async putEach({ remote, names, content }, atOnce) {
      await forEach(names, atOnce, (name) => sftp.writeFile(join(remote, name), content))
      return true
    },
    close: () => sftp.close(),
  }
}

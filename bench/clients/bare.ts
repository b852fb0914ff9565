/** A bare loop on node:crypto: no client for anybody, but what is left of one where it does nothing beside the bytes. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { requestOf } from '../bare/channel.js'
import { BareConnection } from '../bare/connection.js'
import { getLarge, putLarge } from '../bare/large-file.js'
import { release } from '../bare/release.js'
import { Sftp } from '../bare/sftp.js'
import { readSmall, writeSmall } from '../bare/small-file.js'
import { getSmall, makeFolder, namesIn, putSmall } from '../bare/tree.js'
import { type BenchClient, type Connection, type Files, forEach, ownCpuSeconds, ownMemoryBytes } from './client.js'

/** As many as ssh2 gets. */
const filesAtOnce = 32
const piece = Buffer.alloc(64 * 1024)

/** One timer for all of them. */
const kept = new Set<BareConnection>()
let timer: NodeJS.Timeout | undefined

export function bare(): BenchClient {
  return {
    inOneProcess: true,
    cpuSeconds: ownCpuSeconds,
    memoryBytes: ownMemoryBytes,
    async connect(target, { keepaliveMs } = {}) {
      const ssh = await BareConnection.connect(target)
      if (keepaliveMs !== undefined) keep(ssh, keepaliveMs)
      return connection(ssh)
    },
    async once(target, command) {
      const ssh = connection(await BareConnection.connect(target))
      await ssh.exec(command)
      await ssh.close()
    },
  }
}

function keep(ssh: BareConnection, everyMs: number): void {
  kept.add(ssh)
  timer ??= setInterval(() => {
    for (const one of kept) one.keepalive()
  }, everyMs)
}

function connection(ssh: BareConnection): Connection {
  const exec = (command: string): Promise<string> =>
    new Promise((resolve) => {
      let output = ''
      ssh.open(
        { fields: requestOf('exec', command), hasInput: false },
        (bytes) => {
          output += bytes.toString('latin1')
        },
        () => resolve(output),
      )
    })
  return {
    exec,
    async execSideBySide(command, count) {
      await Promise.all(Array.from({ length: count }, () => exec(command)))
    },
    receive: (command) =>
      new Promise((resolve) => {
        let count = 0
        ssh.open(
          { fields: requestOf('exec', command), hasInput: false },
          (bytes) => {
            count += bytes.length
            release(bytes)
          },
          () => resolve(count),
        )
      }),
    send: (command, bytes) =>
      new Promise((resolve) => {
        let left = bytes
        const channel = ssh.open({ fields: requestOf('exec', command), hasInput: true }, () => {}, resolve)
        channel.drained = () => {
          if (left > 0) channel.write(piece.subarray(0, left))
          left -= piece.length
          channel.isEnding = left <= 0
        }
      }),
    files: async () => files(await Sftp.start(ssh)),
    close: () =>
      new Promise((resolve) => {
        kept.delete(ssh)
        ssh.close(resolve)
      }),
  }
}

function files(sftp: Sftp): Files {
  return {
    get: (remote, local) => getLarge(sftp, remote, local),
    put: (local, remote) => putLarge(sftp, local, remote),
    async getTree(remote, local) {
      await mkdir(local)
      const names = await namesIn(sftp, remote)
      await forEach(names, filesAtOnce, (name) => getSmall(sftp, join(remote, name), join(local, name)))
    },
    async putTree(local, remote) {
      await makeFolder(sftp, remote)
      const names = await readdir(local)
      await forEach(names, filesAtOnce, (name) => putSmall(sftp, join(local, name), join(remote, name)))
    },
    async getEach({ remote, names, content }, atOnce) {
      await forEach(names, atOnce, async (name) => {
        const { length } = await readSmall(sftp, join(remote, name))
        if (length !== content.length) throw new Error(`${name} came with ${length} bytes`)
      })
      return true
    },
    async putEach({ remote, names, content }, atOnce) {
      await forEach(names, atOnce, (name) => writeSmall(sftp, join(remote, name), content))
      return true
    },
    close: () => sftp.close(),
  }
}

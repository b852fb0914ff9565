import { once } from 'node:events'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import type { Client } from 'holdfast'

/** A TCP server of this machine for one test. @returns its port */
export async function tcpServer(t: TestContext, serve: (socket: net.Socket) => void): Promise<number> {
  const server = await listening(t, serve, { host: '127.0.0.1', port: 0 })
  return (server.address() as net.AddressInfo).port
}

/** The same on a Unix socket that everybody may use. */
export async function unixServer(t: TestContext, file: string, serve: (socket: net.Socket) => void): Promise<void> {
  await listening(t, serve, { path: file })
  await chmod(file, 0o777)
}

async function listening(t: TestContext, serve: (socket: net.Socket) => void, at: net.ListenOptions) {
  const open = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    serve(socket)
  })
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  server.listen(at)
  await once(server, 'listening')
  return server
}

/** Reads to the end, then answers with how many bytes came, and ends. */
export function countBytes(socket: net.Socket): void {
  let count = 0
  socket.on('data', (bytes) => (count += bytes.length))
  socket.on('end', () => socket.end(`${count} bytes`))
}

export function echo(socket: net.Socket): void {
  socket.pipe(socket)
}

/** A folder in which the user that logged in may make sockets; gone after the test. */
export async function userFolder(t: TestContext, ssh: Client): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-tunnel-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { stdout } = await ssh.exec('id -u; id -g')
  const [uid = 0, gid = 0] = stdout.split('\n').map(Number)
  await chown(folder, uid, gid)
  return folder
}

/** A port at which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves once it is closed, for whatever reason; it may be already. */
export async function closed(stream: Duplex): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
}

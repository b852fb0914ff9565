/** What rows about tunnels have in common: what a server leads to, and connections through it. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ForwardAddress } from 'holdfast'
import { freePort } from '../../../servers/port.js'
import type { SshdServer, SshdVersion } from '../../../servers/sshd.js'
import { EchoFlow, startEcho } from '../../network/echo.js'
import type { LabHost } from '../../network/host.js'
import { openLab } from '../../network/lab.js'
import type { Endpoint } from '../../network/relay.js'
import type { PeerSettings, PeerTarget } from '../../peers/peer.js'
import type { PeerClient, Watch } from '../../row.js'

const tickerPort = 8
const tickerProgram = `
import { createServer } from 'node:net'
const server = createServer({ allowHalfOpen: true }, (socket) => {
  const ticking = setInterval(() => socket.write('tick\\n'), 100)
  socket.on('error', () => {}).on('close', () => clearInterval(ticking))
  socket.on('data', (bytes) => socket.write(bytes)).on('end', () => socket.write('the end came\\n'))
})
server.listen(${tickerPort}, '0.0.0.0', () => console.log('ready'))`

/** Starts a server on a host that sends back what it gets, says something ten times a second, and goes on when its client has ended. */
export async function startTicker(host: LabHost): Promise<Endpoint> {
  const { stdout } = host.start([process.execPath, '--input-type=module', '--eval', tickerProgram])
  await once(stdout, 'data')
  return { host: host.address, port: tickerPort }
}

const callerProgram = (port: number): string => `
import { connect } from 'node:net'
import process from 'node:process'
const socket = connect(${port}, '127.0.0.1', () => console.log('connected'))
socket.on('error', ({ code }) => console.error(code)).on('close', () => process.exit())
process.stdin.pipe(socket).pipe(process.stdout)`

/** A program on a host that is connected to a port there. */
export interface Caller {
  /** Sends a line, and resolves with the next one that comes. */
  readonly says: (line: string) => Promise<string>
  /** Resolves once its connection is over. */
  readonly ended: Promise<unknown>
}

/** @throws when it cannot connect, with the code of the system */
export async function callFrom(host: LabHost, port: number): Promise<Caller> {
  const child = host.start([process.execPath, '--input-type=module', '--eval', callerProgram(port)])
  const complaint = text(child.stderr)
  const ended = once(child, 'close')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const line = await lines.next()
    if (line.done !== true) return line.value
    throw new Error(`the connection to port ${port} is over: ${(await complaint).trim()}`)
  }
  await next()
  const says = (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`)
    return next()
  }
  return { says, ended }
}

/** An SSH server, and what it leads to. */
export interface TargetScene {
  /** Where the server is. */
  readonly near: LabHost
  readonly server: SshdServer
  /** An echo server beside it. */
  readonly fine: Endpoint
  /** Another on a host behind it, */
  readonly lost: Endpoint
  /** to which no packet comes any more from now on, nor from it. */
  readonly lose: () => Promise<void>
  readonly heal: () => Promise<void>
}

export async function openTargetScene(t: TestContext, version: SshdVersion): Promise<TargetScene> {
  const network = await openLab({ hosts: 2 })
  t.after(() => network.close())
  const { gateway } = network
  const [near, far] = network.hosts
  if (near === undefined || far === undefined) throw new Error('the lab has two hosts')
  const [server, fine, lost] = await Promise.all([near.sshd({ version }), startEcho(near), startEcho(far)])
  const lose = (): Promise<void> => gateway.drop({ direction: 'both', only: { address: lost.host } })
  return { near, server, fine, lost, lose, heal: () => gateway.heal() }
}

/** A connection to where a forward listens. */
export function flowTo(address: ForwardAddress): Promise<EchoFlow> {
  return EchoFlow.open(portOf(address))
}

function portOf({ host, port }: ForwardAddress): Endpoint {
  if (host === undefined) throw new Error('the forward listens on no port')
  return { host, port }
}

/** What a SOCKS server answers, RFC 1928 section 6. */
export const socksReply = { granted: 0, failed: 1, refused: 5 } as const

/** A client of SOCKS 5 that has asked for a place. @returns its socket, and the answer, or `undefined` where it was cut off before */
export async function askSocks(
  address: ForwardAddress,
  to: Endpoint,
): Promise<{ readonly socket: Socket; readonly reply: number | undefined }> {
  const socket = connect(portOf(address))
  await once(socket, 'connect')
  socket.on('error', () => {})
  socket.write(Buffer.of(5, 1, 0))
  await bytesFrom(socket, 2)
  const place = Buffer.alloc(6)
  for (const [index, part] of to.host.split('.').entries()) place.writeUInt8(Number(part), index)
  place.writeUInt16BE(to.port, 4)
  socket.write(Buffer.concat([Buffer.of(5, 1, 0, 1), place]))
  const answer = await bytesFrom(socket, 10)
  return { socket, reply: answer?.[1] }
}

/** Exactly so many bytes, or `undefined` at an end before that. */
async function bytesFrom(socket: Socket, length: number): Promise<Buffer | undefined> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null
    if (bytes !== null) return bytes.length === length ? bytes : undefined
    if (socket.destroyed || socket.readableEnded) return undefined
    await Promise.race(['readable', 'close'].map((event) => new Promise((resolve) => socket.once(event, resolve))))
  }
}

interface PeerForward {
  readonly to: Endpoint
  /** In the client's own words, over the sensible ones. */
  readonly settings?: PeerSettings
}

/** Another client that forwards connections to a place, and one connection through it that works. */
export async function forwardBy(
  t: TestContext,
  client: PeerClient,
  server: PeerTarget,
  { to, settings }: PeerForward,
): Promise<EchoFlow> {
  const port = await freePort()
  const peer = client.start(server, { job: 'forward', port, to }, settings)
  await peer.event('callback', 10_000)
  const flow = await EchoFlow.open({ host: '127.0.0.1', port })
  t.after(() => flow.socket.destroy())
  if (!(await flow.echoes('here'))) throw new Error('nothing came back through the forward')
  return flow
}

/** Notes when and how a connection ended, or that it did not. */
export async function noteEnd(watch: Watch, flow: EchoFlow, withinMs: number): Promise<void> {
  const ended = flow.failure().then((code = 'FIN') => `its connection ended: ${code}`)
  const said = await Promise.race([ended, pause(withinMs, undefined, { ref: false })])
  if (said !== undefined) watch.outcome({ kind: 'reported', text: said })
  else watch.outcome({ kind: 'never', ms: withinMs, text: 'its connection stays open' })
}

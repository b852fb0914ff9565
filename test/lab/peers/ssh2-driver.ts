// npm ssh2 in a process of its own: takes a login and steps as lines of JSON, and prints what happens as lines of JSON.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import process from 'node:process'
import { createInterface } from 'node:readline'
import ssh2, { type Client, type ClientChannel, type SFTPWrapper } from 'ssh2'
import type { ForwardJob, PeerEventName, PeerJob, PeerSettings, PeerStep } from './peer.js'

export interface DriverAccount {
  readonly host: string
  readonly port: number
  readonly username: string
  /** A path. */
  readonly key?: string
  readonly password?: string | undefined
}

export interface DriverLogin {
  /** The hosts to go through, and at last the one to log in to. */
  readonly way: readonly DriverAccount[]
  readonly job: PeerJob
  readonly settings: PeerSettings
}

export type DriverOrder = DriverLogin | PeerStep

export interface DriverLine {
  readonly event: PeerEventName
  readonly text: string
  readonly settles: boolean
}

function tell(event: PeerEventName, text: string, settles = false): void {
  const line: DriverLine = { event, text, settles }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const forCommand: ReadonlySet<string> = new Set<PeerStep['step']>(['write', 'end-input', 'signal', 'close-channel'])

class Driver {
  readonly #client: Client
  readonly #login: DriverLogin
  #channel: ClientChannel | undefined
  /** For a command that is still being asked for. */
  readonly #early: PeerStep[] = []
  #sftp: SFTPWrapper | undefined
  #received = 0

  constructor(login: DriverLogin) {
    this.#login = login
    this.#client = connected(login.way, login.settings)
    this.#client.on('ready', () => this.#ready())
    this.#client.on('hostkeys', (keys) => tell('host-keys', `${keys.length} host keys proven`))
    this.#client.on('error', (error: Error) => tell('error', error.message, true))
    this.#client.on('close', () => tell('close', 'the connection is closed', true))
  }

  take(step: PeerStep): void {
    if (this.#channel === undefined && forCommand.has(step.step)) this.#early.push(step)
    else this.#take(step)
  }

  #take(step: PeerStep): void {
    switch (step.step) {
      case 'exec':
        return this.#exec(step.command, {})
      case 'write':
        return this.#write(step.bytes)
      case 'end-input':
        this.#channel?.end()
        return
      case 'signal':
        this.#channel?.signal(step.name)
        return
      case 'close-channel':
        return this.#channel?.close()
      case 'end':
        this.#client.end()
        return
      case 'destroy':
        this.#client.destroy()
        return
      case 'block':
        return block(step.ms)
      case 'sftp':
        return this.#openSftp(() => {})
      case 'stat':
        return this.#withSftp((sftp) => this.#stat(sftp, step.path))
      case 'put':
        return this.#withSftp((sftp) => this.#put(sftp, step.local, step.remote))
    }
  }

  #ready(): void {
    tell('ready', 'logged in')
    const { job } = this.#login
    if (job.job === 'exec') this.#exec(job.command, job)
    if (job.job === 'forward') this.#forward(job)
  }

  /** As its documentation shows it: a server of the program's own. */
  #forward({ port: listen, to, listens }: ForwardJob): void {
    if (to === 'socks' || listens === 'on the server') throw new Error('this is for the program to do')
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      this.#client.forwardOut('127.0.0.1', socket.remotePort ?? 0, to.host, to.port, (error, channel) => {
        if (error) {
          socket.destroy()
          return
        }
        channel.on('error', () => {}).on('close', () => socket.destroy())
        socket.on('close', () => channel.close())
        socket.pipe(channel).pipe(socket)
      })
    })
    server.listen(listen, '127.0.0.1', () => tell('callback', 'it listens'))
  }

  #exec(command: string, { stdin, unread = false }: { readonly stdin?: number; readonly unread?: boolean }): void {
    this.#client.exec(command, (error, channel) => {
      if (error) return tell('callback', error.message, true)
      tell('callback', 'the command runs')
      this.#channel = channel
      if (!unread) this.#read(channel)
      channel.on('exit', (code: number | null, signal?: string) => tell('exit', `exit ${code ?? signal ?? 'unknown'}`))
      channel.on('close', () => tell('channel-close', 'the command ended', true))
      if (stdin !== undefined) {
        this.#write(stdin)
        channel.end()
      }
      for (const step of this.#early.splice(0)) this.#take(step)
    })
  }

  #read(channel: ClientChannel): void {
    for (const stream of [channel, channel.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.#received += bytes.length
        tell('data', String(this.#received))
      })
    }
  }

  #write(bytes: number): void {
    this.#channel?.write(Buffer.alloc(bytes), (error) => tell('written', error?.message ?? `${bytes} bytes written`))
  }

  /** Opens it, unless it is. */
  #withSftp(use: (sftp: SFTPWrapper) => void): void {
    if (this.#sftp === undefined) this.#openSftp(use)
    else use(this.#sftp)
  }

  #openSftp(opened: (sftp: SFTPWrapper) => void): void {
    this.#client.sftp((error, sftp) => {
      if (error) return tell('callback', error.message, true)
      this.#sftp = sftp
      tell('callback', 'SFTP is open')
      opened(sftp)
    })
  }

  #put(sftp: SFTPWrapper, local: string, remote: string): void {
    sftp.fastPut(local, remote, (error) => tell('callback', error?.message ?? 'the file is there', true))
  }

  #stat(sftp: SFTPWrapper, path: string): void {
    sftp.stat(path, (error) => tell('callback', error?.message ?? 'attributes came', true))
  }
}

/** Each connection over a stream of the one before, as the documentation of ssh2 shows it. */
function connected(way: readonly DriverAccount[], settings: PeerSettings): Client {
  const client = new ssh2.Client()
  const account = way.at(-1)
  if (account === undefined) throw new Error('there is nobody to log in to')
  const { host, port, username, key, password } = account
  const login = key === undefined ? { password: password ?? '' } : { privateKey: readFileSync(key) }
  const connect = (sock?: ClientChannel) =>
    client.connect({ host, port, username, ...login, ...settings, ...(sock && { sock }) })
  const before = way.slice(0, -1)
  if (before.length === 0) {
    connect()
    return client
  }
  const jump = connected(before, settings)
  jump.on('error', (error: Error) => tell('error', `of a jump host: ${error.message}`, true))
  jump.on('ready', () => {
    jump.forwardOut('127.0.0.1', 0, host, port, (error, stream) => {
      if (error) tell('error', error.message, true)
      else connect(stream)
    })
  })
  return client
}

function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
  tell('blocked', `the event loop was blocked for ${ms / 1000} s`)
}

let driver: Driver | undefined
createInterface(process.stdin).on('line', (line) => {
  const order = JSON.parse(line) as DriverOrder
  if ('step' in order) driver?.take(order)
  else driver = new Driver(order)
})

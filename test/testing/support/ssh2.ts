// npm ssh2 as a client that was written by others.
import { once } from 'node:events'
import type { TestServer } from 'holdfast/testing'
import ssh2, { type Client, type ClientChannel, type ConnectConfig, type ExecOptions } from 'ssh2'

/** Resolves once the client is logged in; rejects as the client says. */
export async function connectSsh2(server: Pick<TestServer, 'host' | 'port'>, config: ConnectConfig): Promise<Client> {
  const client = new ssh2.Client()
  // What comes after the first error, or later, is for those who wait for something.
  client.on('error', () => {})
  client.connect({ host: server.host, port: server.port, username: 'deploy', ...config })
  await once(client, 'ready')
  return client
}

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
  readonly signal: string | undefined
}

export interface RunningCommand {
  readonly channel: ClientChannel
  /** Resolves once the channel is closed. */
  readonly outcome: Promise<Outcome>
}

/** Runs a command to its end. */
export async function execSsh2(
  client: Client,
  command: string,
  options: ExecOptions & { readonly stdin?: string | Buffer } = {},
): Promise<Outcome> {
  const { channel, outcome } = await startSsh2(client, command, options)
  channel.end(options.stdin ?? '')
  return outcome
}

/** Starts a command; its input stays open. */
export function startSsh2(client: Client, command: string, options: ExecOptions = {}): Promise<RunningCommand> {
  return opened((done) => client.exec(command, options, done))
}

/** Listens from the very call back on: what the server sends along with its answer is not to be missed. */
export function opened(
  open: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
): Promise<RunningCommand> {
  return new Promise((resolve, reject) => {
    open((error, channel) => {
      if (error === undefined) resolve({ channel, outcome: outcomeOf(channel) })
      else reject(error)
    })
  })
}

async function outcomeOf(channel: ClientChannel): Promise<Outcome> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  let code: number | null = null
  let signal: string | undefined
  channel.on('data', (bytes: Buffer) => stdout.push(bytes))
  channel.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  channel.on('exit', (given: number | null, name?: string) => {
    code = given
    signal = name
  })
  await once(channel, 'close')
  return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), code, signal }
}

export async function endSsh2(client: Client): Promise<void> {
  const closed = once(client, 'close')
  client.end()
  await closed
}

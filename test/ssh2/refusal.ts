import { Client, type ConnectConfig } from 'holdfast/ssh2'

/** Why the drop-in does not connect to the embedded server; undefined where it does. */
export async function refusal(config: ConnectConfig): Promise<Error | undefined> {
  const client = new Client()
  const closed = new Promise<void>((resolve) => void client.once('close', () => resolve()))
  let first: Error | undefined
  client.on('error', (error) => void (first ??= error))
  client.once('ready', () => client.end())
  client.connect({ username: 'deploy', password: 'secret', ...config })
  await closed
  return first
}

/** The code of what Holdfast says of it; undefined where it connects, or where ssh2 itself says why not. */
export async function refusalCode(config: ConnectConfig): Promise<unknown> {
  const cause = (await refusal(config))?.cause
  return cause instanceof Error && 'code' in cause ? cause.code : cause
}

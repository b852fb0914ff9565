import { type Client, CommandError, connect, HoldfastError } from 'holdfast'
import type { Lane, LaneSession } from './lane.js'
import { boundMs, countMax, intervalMs } from './scale.js'
import { password, username } from './stage.js'

const interval = `${intervalMs / 1000}s`

export const holdfastLane: Lane = {
  name: 'Holdfast',
  options: `keepalive: { interval: '${interval}', countMax: ${countMax} }: dead after ${boundMs / 1000} s of silence`,
  connect: async ({ host, port, fingerprint }, note) => {
    const client = await connect({
      host,
      port,
      username,
      password,
      hostKey: { fingerprints: [fingerprint] },
      // Neither the agent nor the keys of whoever watches have any business here.
      agent: false,
      identityFiles: [],
      keepalive: { interval, countMax },
    })
    client.on('liveness', ({ to, evidence }) => note(`${to}: ${evidence.probesUnanswered} missed`))
    return new HoldfastSession(client)
  },
}

class HoldfastSession implements LaneSession {
  readonly lost: Promise<string>
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
    this.lost = client.closed.then(words)
  }

  async run(command: string): Promise<string> {
    try {
      const { stdout } = await this.#client.exec(command)
      return stdout.trim()
    } catch (error) {
      return words(error)
    }
  }

  async runLimited(command: string, limitMs: number): Promise<string> {
    try {
      await this.#client.exec(command, { timeout: limitMs })
      return 'it ended by itself'
    } catch (error) {
      return error instanceof CommandError ? `${error.code}, ${error.remote}` : words(error)
    }
  }

  readonly closeCall = 'ssh.close()'

  async close(): Promise<string> {
    await this.#client.close()
    return 'close() is done'
  }
}

function words(error: unknown): string {
  return error instanceof HoldfastError ? error.code : String(error)
}

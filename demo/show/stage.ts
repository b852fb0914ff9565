import { type BadNetwork, badNetwork, startServer, type TestServer } from 'holdfast/testing'
import { forgetMs } from './scale.js'

export const username = 'demo'
export const password = 'correct horse battery staple'

/** What one lane stands on in one scene: an SSH server of its own, and the network before it. */
export class Stage {
  readonly #server: TestServer
  readonly #network: BadNetwork

  static async build(network: 'forgetful' | 'good'): Promise<Stage> {
    const server = await startServer({ users: { [username]: { password } }, shell: true })
    const relay = await badNetwork({ to: server })
    if (network === 'forgetful') relay.forget({ idleMs: forgetMs })
    return new Stage(server, relay)
  }

  private constructor(server: TestServer, network: BadNetwork) {
    this.#server = server
    this.#network = network
  }

  /** Where clients connect to. */
  get host(): string {
    return this.#network.host
  }

  get port(): number {
    return this.#network.port
  }

  /** The host key of the server. */
  get fingerprint(): string {
    return this.#server.hostKey.fingerprint
  }

  /** From now on nothing passes, and nobody is told. */
  cut(): void {
    this.#network.cut()
  }

  /** The server's process list: whether any command still runs. */
  isAnythingRunning(): boolean {
    return this.#server.processes().length > 0
  }

  /** Ends whatever is left: connections are reset, commands killed. */
  async close(): Promise<void> {
    await this.#network.close()
    await this.#server.close()
  }
}

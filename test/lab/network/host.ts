import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { type DropbearOptions, startDropbear } from '../../servers/dropbear.js'
import type { Place } from '../../servers/place.js'
import { freePortBeside } from '../../servers/port.js'
import type { ReferenceServer } from '../../servers/reference-server.js'
import { type SshdOptions, type SshdServer, startSshd } from '../../servers/sshd.js'
import type { CommandResult, Namespace } from './namespace.js'
import { parseSockets, type SocketInfo, socketsCommand } from './sockets.js'

/** A machine behind the gateway. */
export class LabHost {
  readonly address: string
  readonly #namespace: Namespace
  readonly #newAddress: () => Promise<string>
  readonly #place: Place
  readonly #servers: ReferenceServer[] = []

  /** `newAddress` makes the gateway send one more address to this host. */
  constructor(address: string, namespace: Namespace, newAddress: () => Promise<string>) {
    this.address = address
    this.#namespace = namespace
    this.#newAddress = newAddress
    this.#place = {
      host: address,
      listenOn: '0.0.0.0',
      enter: namespace.enter,
      freePort: () => freePortBeside(namespace.pid),
    }
  }

  /** Starts an OpenSSH server; its host and port reach it through the gateway. It ends with the lab at the latest. */
  async sshd(options: SshdOptions): Promise<SshdServer> {
    return this.#kept(await startSshd(options, this.#place))
  }

  /** The same, for a dropbear. */
  async dropbear(options: DropbearOptions): Promise<ReferenceServer> {
    return this.#kept(await startDropbear(options, this.#place))
  }

  /** Runs a command on the host to its end, whatever its exit code. */
  run(command: readonly string[]): Promise<CommandResult> {
    return this.#namespace.run(command)
  }

  /** Starts a command on the host, which ends with the lab at the latest, and by `kill('SIGKILL')` of what is returned. */
  start(command: readonly string[]): ChildProcessWithoutNullStreams {
    return this.#namespace.start(command)
  }

  /** Everything that runs on the host, by process ids that are good for `process.kill()` in the test. */
  processes(): Promise<readonly number[]> {
    return this.#namespace.pids()
  }

  /** The host's end of its connections. */
  async sockets(): Promise<readonly SocketInfo[]> {
    return parseSockets(await this.#namespace.script(socketsCommand))
  }

  /** Gives the host one more address, at which its servers are reached too. */
  async addAddress(): Promise<string> {
    const address = await this.#newAddress()
    await this.#namespace.script(`ip address add ${address} dev cable`)
    return address
  }

  /** Ends everything on the host; the lab does that. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()))
    await this.#namespace.close()
  }

  #kept<Server extends ReferenceServer>(server: Server): Server {
    this.#servers.push(server)
    return server
  }
}

import { ChannelOpenError } from '../connection/openings.js'
import { HoldfastError } from '../errors.js'
import { checkNames } from '../session/option-error.js'
import { encodeDirectStreamlocal, encodeTcpOpening, type TcpPlace } from '../wire/forward-messages.js'
import { openFailure } from '../wire/numbers.js'
import {
  checkTarget,
  resolveOptions,
  type TunnelOptions,
  type TunnelSettings,
  type TunnelTarget,
  targetText,
  tunnelOptionNames,
} from './options.js'
import type { ForwardPort } from './port.js'
import { Tunnel } from './tunnel.js'

/** Who a tunnel is for, where no connection of anybody stands behind it. */
const ourselves: TcpPlace = { host: '127.0.0.1', port: 0 }

/** The tunnels of one connection. */
export class Tunnels {
  readonly #port: ForwardPort

  constructor(port: ForwardPort) {
    this.#port = port
  }

  /**
   * Has the server connect to a host and port, or to a Unix socket.
   * @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_CHANNEL_OPEN, ERR_SSH_TIMEOUT (limit `channelOpen`), ERR_SSH_ABORTED
   */
  async connectTo(target: TunnelTarget, options: TunnelOptions = {}): Promise<Tunnel> {
    checkNames(options, tunnelOptionNames)
    return this.#open(checkTarget(target, 'target'), resolveOptions(options), ourselves)
  }

  async #open(target: TunnelTarget, settings: TunnelSettings, originator: TcpPlace): Promise<Tunnel> {
    const name = targetText(target)
    const tunnel = new Tunnel({
      ...settings,
      port: this.#port,
      name,
      remoteAddress: target.host,
      remotePort: target.port,
    })
    const { type, data } = openingOf(target, originator)
    try {
      await this.#port.open(type, data, (channel) => tunnel.attach(channel), { signal: settings.signal })
      return tunnel
    } catch (error) {
      throw error instanceof ChannelOpenError ? this.#refused(name, error) : error
    }
  }

  #refused(name: string, cause: ChannelOpenError): HoldfastError {
    const hint = hints.get(cause.reason)
    const details = { ...this.#port.errorDetails(), phase: 'channelOpen', hint, cause } as const
    return new HoldfastError('ERR_SSH_CHANNEL_OPEN', `there is no way to ${name}: ${cause.message}`, details)
  }
}

function openingOf(target: TunnelTarget, originator: TcpPlace): { readonly type: string; readonly data: Buffer } {
  if (target.path === undefined) return { type: 'direct-tcpip', data: encodeTcpOpening({ to: target, originator }) }
  return { type: 'direct-streamlocal@openssh.com', data: encodeDirectStreamlocal(target.path) }
}

const hints = new Map<number, string>([
  [
    openFailure.ADMINISTRATIVELY_PROHIBITED,
    'the server forbids it (sshd: AllowTcpForwarding, AllowStreamLocalForwarding, PermitOpen, the options of the key)',
  ],
  [openFailure.CONNECT_FAILED, 'the server could not connect there: host and port are as seen from the server'],
])

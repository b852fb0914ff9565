import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { Channel } from './channel.js'
import { Client } from './client.js'
import type { ConnectConfig } from './config.js'

export interface HttpAgentOptions extends http.AgentOptions {
  /** What the server is told that the connections come from. @default 'localhost' */
  readonly srcIP?: string
}

type Connected = (error: Error | null, stream: Duplex) => void

/** Makes the connections of an HTTP client through an SSH server. */
export class HTTPAgent extends http.Agent {
  readonly #config: ConnectConfig
  readonly #srcIP: string

  constructor(config: ConnectConfig, options: HttpAgentOptions = {}) {
    super(options)
    this.#config = config
    this.#srcIP = options.srcIP ?? 'localhost'
  }

  override createConnection(options: http.ClientRequestArgs, callback?: Connected): undefined {
    openStream(this.#config, this.#srcIP, options, callback, (stream) => stream)
    return undefined
  }
}

export class HTTPSAgent extends https.Agent {
  readonly #config: ConnectConfig
  readonly #srcIP: string

  constructor(config: ConnectConfig, options: HttpAgentOptions = {}) {
    super(options)
    this.#config = config
    this.#srcIP = options.srcIP ?? 'localhost'
  }

  override createConnection(options: https.RequestOptions, callback?: Connected): undefined {
    openStream(this.#config, this.#srcIP, options, callback, (stream) => secured(stream, options))
    return undefined
  }
}

/** A connection for each, which ends with its stream. */
function openStream(
  config: ConnectConfig,
  srcIP: string,
  options: http.ClientRequestArgs,
  callback: Connected = () => {},
  wrap: (stream: Channel) => Duplex,
): void {
  const client = new Client()
  let isOver = false
  const tell = (...args: readonly [error: Error] | readonly [error: null, stream: Duplex]) => {
    if (isOver) return
    isOver = true
    Reflect.apply(callback, undefined, args)
  }
  const { localAddress = srcIP, localPort = 0, host, port } = options
  client.on('ready', () => {
    client.forwardOut(localAddress, localPort, host ?? 'localhost', Number(port ?? 80), (error, stream) => {
      if (error !== undefined) {
        client.end()
        tell(error)
        return
      }
      stream.once('close', () => client.end())
      tell(null, wrap(stream))
    })
  })
  client.on('error', (error) => tell(error))
  client.on('close', () => tell(new Error('Unexpected connection close')))
  client.connect(config)
}

/** What the request says of TLS; of the rest of it nothing is meant for that. */
function tlsOptions(options: https.RequestOptions): tls.ConnectionOptions {
  const { host, port: _port, ...further } = options
  const servername = options.servername ?? (typeof host === 'string' && net.isIP(host) === 0 ? host : undefined)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields that both have are the same
  return { ...(further as tls.ConnectionOptions), ...(servername === undefined ? {} : { servername }) }
}

function secured(stream: Channel, options: https.RequestOptions): Duplex {
  const socket = tls.connect({ ...tlsOptions(options), socket: stream })
  // A stream that nobody reads any more would not see its own end.
  socket.on('close', () => stream.resume())
  return socket
}

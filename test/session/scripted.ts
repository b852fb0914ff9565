import { Sessions, type SessionsOptions } from '#src/session/sessions.js'
import {
  type ChannelRequest,
  decodeBareChannelMessage,
  decodeChannelData,
  decodeChannelRequest,
  encodeBareChannelMessage,
  encodeChannelDataHead,
  encodeChannelRequest,
  encodeExtendedDataHead,
  encodeWindowAdjust,
} from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeExitSignal, encodeExitStatus } from '#src/wire/session-messages.js'
import { loggedIn } from '../support/core/pair.js'
import type { ScriptedPeer } from '../support/core/scripted-peer.js'
import type { SimulatedTime } from '../support/core/simulated-time.js'

const noLimits = { timeout: false, idleTimeout: false, firstByteTimeout: false, stdinStall: false } as const

export interface ScriptedOptions extends Partial<SessionsOptions> {
  /** What the server says it is. @default an OpenSSH that passes signals on to this user */
  readonly software?: string
}

/** A client's sessions, and a server that does with them what a test says, in simulated time. */
export async function scripted({ software = 'OpenSSH_9.9', ...options }: ScriptedOptions = {}) {
  const { time, client, server, toServer, toClient } = await loggedIn({
    client: { keepalive: { interval: false, countMax: 3, wantReply: true, tcp: false } },
    script: { identification: `SSH-2.0-${software}` },
  })
  const sessions = new Sessions(client.connection, {
    username: 'deploy',
    openLimit: 15_000,
    limits: noLimits,
    ...options,
  })
  return { time, client, server, toServer, toClient, sessions, script: new SessionScript(server, time) }
}

/** How a scripted server treats sessions. Left alone it grants every request and says nothing more. */
export class SessionScript {
  readonly requests: (Omit<ChannelRequest, 'data'> & { readonly at: number; readonly data: string })[] = []
  /** Whether a request is granted; undefined: it is not answered. */
  grant: (type: string) => boolean | undefined = () => true
  /** Called after each request, granted or not. */
  requested: (type: string, channel: number, data: string) => void = () => {}
  /** Called with each piece of input. */
  inputCame: (channel: number, text: string) => void = () => {}
  /** What came as input, by channel. */
  readonly input = new Map<number, string>()
  readonly closed: { readonly channel: number; readonly at: number }[] = []
  /** Whether CLOSE is answered, where it is no answer itself. */
  answersClose = true
  /** What is said of the program's end before that answer, if anything. */
  exitCodeAtClose: number | undefined
  readonly #closedByClient = new Set<number>()
  readonly #closedByServer = new Set<number>()
  readonly #server: ScriptedPeer
  readonly #time: Pick<SimulatedTime, 'now'>

  constructor(server: ScriptedPeer, time: Pick<SimulatedTime, 'now'>) {
    this.#server = server
    this.#time = time
    server.before = (payload) => this.#receive(payload)
  }

  /** What was asked for on any channel, in order. */
  get types(): readonly string[] {
    return this.requests.map(({ type }) => type)
  }

  stdout(channel: number, data: string | Buffer): void {
    const bytes = Buffer.from(data)
    this.#server.send(Buffer.concat([encodeChannelDataHead(channel, bytes.length), bytes]))
  }

  stderr(channel: number, data: string): void {
    const bytes = Buffer.from(data)
    this.#server.send(Buffer.concat([encodeExtendedDataHead(channel, 1, bytes.length), bytes]))
  }

  adjust(channel: number, bytes: number): void {
    this.#server.send(encodeWindowAdjust(channel, bytes))
  }

  exitStatus(channel: number, code: number): void {
    this.#notify(channel, 'exit-status', encodeExitStatus(code))
  }

  exitSignal(channel: number, name: string): void {
    this.#notify(channel, 'exit-signal', encodeExitSignal(name))
  }

  eof(channel: number): void {
    this.#server.send(encodeBareChannelMessage('CHANNEL_EOF', channel))
  }

  close(channel: number): void {
    if (!this.#closedByClient.delete(channel)) this.#closedByServer.add(channel)
    this.#server.send(encodeBareChannelMessage('CHANNEL_CLOSE', channel))
  }

  /** As sshd ends a command. */
  finish(channel: number, code = 0): void {
    this.eof(channel)
    this.exitStatus(channel, code)
    this.close(channel)
  }

  #notify(recipient: number, type: string, data: Buffer): void {
    this.#server.send(encodeChannelRequest({ recipient, type, wantReply: false, data }))
  }

  #receive(payload: Buffer): boolean {
    switch (payload.readUInt8(0)) {
      case messageNumber.CHANNEL_REQUEST:
        this.#receiveRequest(decodeChannelRequest(payload))
        return true
      case messageNumber.CHANNEL_DATA: {
        const { recipient, data } = decodeChannelData(payload)
        this.input.set(recipient, (this.input.get(recipient) ?? '') + data.toString())
        this.inputCame(recipient, data.toString())
        return true
      }
      case messageNumber.CHANNEL_EOF: {
        const channel = decodeBareChannelMessage('CHANNEL_EOF', payload)
        this.input.set(channel, `${this.input.get(channel) ?? ''}<EOF>`)
        return true
      }
      case messageNumber.CHANNEL_CLOSE:
        this.#receiveClose(decodeBareChannelMessage('CHANNEL_CLOSE', payload))
        return true
      default:
        return false
    }
  }

  #receiveRequest({ data, ...request }: ChannelRequest): void {
    const text = data.toString('latin1')
    this.requests.push({ ...request, data: text, at: this.#time.now() })
    const granted = request.wantReply ? this.grant(request.type) : undefined
    if (granted !== undefined) {
      const answer = granted ? 'CHANNEL_SUCCESS' : 'CHANNEL_FAILURE'
      this.#server.send(encodeBareChannelMessage(answer, request.recipient))
    }
    this.requested(request.type, request.recipient, text)
  }

  #receiveClose(channel: number): void {
    this.closed.push({ channel, at: this.#time.now() })
    if (this.#closedByServer.delete(channel)) return
    this.#closedByClient.add(channel)
    if (!this.answersClose) return
    if (this.exitCodeAtClose !== undefined) this.exitStatus(channel, this.exitCodeAtClose)
    this.close(channel)
  }
}

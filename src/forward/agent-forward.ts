import process from 'node:process'
import { pipeline } from 'node:stream/promises'
import type { Channel, ChannelSink } from '../connection/channel.js'
import type { OpenDecision } from '../connection/mux.js'
import { HoldfastError } from '../errors.js'
import { type Agent, agentError, encodeForwardingBinding, type ServerProof } from '../keys/agent.js'
import { agentMessages, framed } from '../keys/agent-messages.js'
import { answerByAgent } from '../keys/agent-service.js'
import { openFailure } from '../wire/numbers.js'
import { ChannelStream } from './channel-stream.js'
import { reachLocally } from './local-target.js'
import type { ForwardPort } from './port.js'

/** How the server reaches the agent that was lent to it. */
export const agentChannelType = 'auth-agent@openssh.com'

/** One program makes one at a time: that many use it at once. */
const maxConversations = 16

export interface AgentForwardOptions {
  readonly port: Pick<ForwardPort, 'waits' | 'deadlines' | 'channels' | 'now' | 'errorDetails'>
  /** The path of its socket, or the agent; undefined where there is none. */
  readonly agent: string | Agent | undefined
  /** Milliseconds. */
  readonly limits: Readonly<Record<'agent' | 'prompt' | 'dns' | 'tcp', number>>
  /** What an agent is told of the server that it is lent to. */
  proof(): ServerProof | undefined
}

/** Passes one message on to an agent. */
type Ask = (request: Buffer) => Promise<Buffer>

/** An agent of this machine that is lent to programs on the server: asked for by sessions, reached by channels of the server. */
export class AgentForward {
  readonly #options: AgentForwardOptions
  /** What the server said; sshd grants it to the first session of a connection alone, and lets the others use it too. */
  #state: 'unasked' | 'asked' | 'granted' | 'refused' = 'unasked'
  readonly #warned = new Set<string>()
  /** Questions that an agent which is an object is at, those among them for whose answers nobody waits any more. */
  #asking = 0

  constructor(options: AgentForwardOptions) {
    this.#options = options
  }

  /** A session is about to ask for it. @returns false where there is none to lend */
  offer(): boolean {
    if (this.#options.agent === undefined) {
      this.#warn('there is none to forward: SSH_AUTH_SOCK is not set, or the option agent is false')
      return false
    }
    if (this.#state !== 'granted') this.#state = 'asked'
    return true
  }

  /** What the server said to that. */
  answered(isGranted: boolean): void {
    if (this.#state === 'granted') return
    this.#state = isGranted ? 'granted' : 'refused'
    if (!isGranted) this.#warn('the server refused it (sshd: AllowAgentForwarding, the options of the key)')
  }

  /** A program on the server wants to speak to the agent. */
  channelOpen(): OpenDecision {
    const { agent, port } = this.#options
    if (agent === undefined || this.#state === 'unasked' || this.#state === 'refused') {
      this.#warn('the server tried to use the agent, which was not lent to it')
      return { refuse: openFailure.ADMINISTRATIVELY_PROHIBITED, description: 'no agent was forwarded' }
    }
    // Those that were closed here and that the server has not closed yet among them.
    const open = [...port.channels].filter(({ type }) => type === agentChannelType).length
    // An agent need not heed the signal that ends a question: a server that closes and opens anew could ask without end.
    if (Math.max(open, this.#asking) >= maxConversations)
      return { refuse: openFailure.RESOURCE_SHORTAGE, description: 'too many use the agent at once' }
    return { accept: (channel) => this.#accept(channel, agent) }
  }

  #accept(channel: Channel, agent: string | Agent): ChannelSink {
    const far = new ChannelStream()
    const sink = far.attach(channel)
    void this.#serve(far, agent)
    // Nobody is left to hear an answer, and the agent may be waiting for a person.
    return { ...sink, closed: () => far.destroy() }
  }

  /** Message by message, each answered before the next is read; it ends with whoever asked, the connection, or the agent. */
  async #serve(far: ChannelStream, agent: string | Agent): Promise<void> {
    const gone = new AbortController()
    far.once('close', () => gone.abort())
    try {
      const ask = await this.#watched(this.#open(agent, gone.signal))
      // Else the end of the questions would end the stream, with an answer in it.
      const requests = agentMessages(far.iterator({ destroyOnReturn: false }), 'a program on the server')
      await pipeline(this.#answers(requests, ask, gone.signal), far)
    } catch {
      // Whoever asked sees that it ended.
      far.destroy()
    }
  }

  async *#answers(requests: AsyncIterable<Buffer>, ask: Ask, signal: AbortSignal): AsyncGenerator<Buffer> {
    // It may ask its owner to confirm, or to touch a key.
    for await (const request of requests)
      yield framed(await this.#watched(this.#within('prompt', ask(request), signal)))
  }

  /** What is wrong with the agent, and not with who uses it, is for the program to know. */
  async #watched<T>(step: Promise<T>): Promise<T> {
    try {
      return await step
    } catch (error) {
      if (error instanceof HoldfastError && failures.has(error.code)) this.#warn(error.message)
      throw error
    }
  }

  async #open(agent: string | Agent, signal: AbortSignal): Promise<Ask> {
    if (typeof agent !== 'string') return (request) => this.#askObject(agent, request, signal)
    const ask = await this.#connect(agent, signal)
    const proof = this.#options.proof()
    // Agents that know nothing of it say so, and are used all the same.
    if (proof !== undefined) await this.#within('agent', ask(encodeForwardingBinding(proof)), signal)
    return ask
  }

  /** With a signal of its own each time: agents may leave a listener on it. */
  async #askObject(agent: Agent, request: Buffer, signal: AbortSignal): Promise<Buffer> {
    const call = new AbortController()
    const unlisten = this.#options.port.waits.onAbort(signal, (reason) => call.abort(reason))
    this.#asking++
    try {
      return await answerByAgent(agent, request, call.signal)
    } finally {
      this.#asking--
      unlisten()
    }
  }

  /** A connection of its own for each: what is told of one is not told of another. */
  async #connect(path: string, signal: AbortSignal): Promise<Ask> {
    const { port, limits } = this.#options
    const socket = await reachLocally({ path }, { port, limits, signal })
    const unlisten = port.waits.onAbort(signal, () => socket.destroy())
    socket.once('close', unlisten)
    const name = `the agent at ${path}`
    const answers = agentMessages(socket, name)
    return async (request) => {
      socket.write(framed(request))
      const { value } = await answers.next()
      if (value === undefined) throw agentError(name, 'closed the connection without an answer')
      return value
    }
  }

  async #within(limit: 'agent' | 'prompt', answer: Promise<Buffer>, signal: AbortSignal): Promise<Buffer> {
    const { port, limits } = this.#options
    const wait = port.waits.start<Buffer>({
      limit,
      limitMs: limits[limit],
      clock: 'peer',
      phase: 'ready',
      what: 'the answer of the agent that is forwarded',
      signal,
      isAwaited: false,
    })
    answer.then(
      (bytes) => wait.resolve(bytes),
      (error: unknown) => wait.reject(error),
    )
    return wait.promise
  }

  /** Once each, and never more often than there are texts of ours: a server must not fill the program's log. */
  #warn(problem: string): void {
    if (this.#warned.has(problem)) return
    this.#warned.add(problem)
    const { host } = this.#options.port.errorDetails()
    const text = `agent forwarding to ${host ?? 'the server'}: ${problem}`
    process.emitWarning(text, { type: 'HoldfastWarning', code: 'HOLDFAST_AGENT_FORWARDING' })
  }
}

const failures: ReadonlySet<string> = new Set(['ERR_SSH_AGENT', 'ERR_SSH_CONNECT', 'ERR_SSH_TIMEOUT'])

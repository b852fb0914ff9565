import type { Duplex } from 'node:stream'
import type { ChannelSink } from '../connection/channel.js'
import type { Channel } from './channel.js'

/** Joins a channel to the stream that the program's agent gives for it, at once or later, and lets go of that with the channel. */
export class AgentStream {
  readonly #channel: Channel
  #agent: Duplex | undefined
  #isOver = false

  constructor(channel: Channel) {
    this.#channel = channel
    channel.on('error', () => {})
  }

  /** What the agent says. */
  join(error: Error | null | undefined, agent: Duplex | undefined): void {
    agent?.on('error', () => this.#channel.close())
    if (this.#isOver || this.#agent !== undefined) {
      agent?.destroy()
      return
    }
    this.#channel.release()
    if (error || agent === undefined) {
      this.#channel.close()
      return
    }
    this.#agent = agent
    this.#channel.pipe(agent).pipe(this.#channel)
  }

  /** The sink of the channel, by which it is noticed that it is over. */
  watch(sink: ChannelSink): ChannelSink {
    return {
      ...sink,
      closed: () => {
        sink.closed()
        this.#over()
      },
      lost: (cause) => {
        sink.lost(cause)
        this.#over()
      },
    }
  }

  /** Nobody is left to hear an answer, and an agent that reads no further would keep the channel's end from being told. */
  #over(): void {
    this.#isOver = true
    this.#agent?.destroy()
  }
}

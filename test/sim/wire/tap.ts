import type { Probe } from '../plan.js'
import { ChannelFacts } from './channel-facts.js'
import { Payload } from './payload.js'
import type { Question } from './question.js'

const number = {
  kexinit: 20,
  newkeys: 21,
  globalRequest: 80,
  requestSuccess: 81,
  requestFailure: 82,
  channelOpen: 90,
  channelConfirmed: 91,
  channelRefused: 92,
  channelData: 94,
  channelClose: 97,
  channelRequest: 98,
  channelSuccess: 99,
  channelFailure: 100,
  ping: 192,
  pong: 193,
} as const

/**
 * What passes between the client's process and its kernel, message by message, read before it is sealed (see
 * seals.ts): when each was asked, taken and answered, by the order of RFC 4254 section 4 alone. Verdicts and limits of the
 * client are held against this.
 */
export class Tap {
  readonly questions: Question[] = []
  /** Those of them of whose replies only their order tells whose they are. */
  readonly requests: Question[] = []
  readonly channels = new Map<number, ChannelFacts>()
  /** When a key exchange was begun, by either side. */
  readonly exchangesBegunAt = new Set<number>()
  /** When we asked for the key exchange that is under way, or joined it. */
  ourExchangeAt: number | undefined
  /** When the keys last changed, either way. */
  newKeysAt = Number.NEGATIVE_INFINITY
  #exchangeBegunAt = Number.NEGATIVE_INFINITY
  /** When a channel was last closed whose peer still owed an answer to a probe on it, which it owes no more. */
  voidedAt = Number.NEGATIVE_INFINITY
  readonly #now: () => number
  readonly #inputOf: (command: number) => number
  readonly #byCommand = new Map<number, ChannelFacts>()
  readonly #byPeerId = new Map<number, ChannelFacts>()
  readonly #line: Question[] = []
  readonly #openings = new Map<number, Question>()
  readonly #pings = new Map<string, Question>()
  /** Where each question ends in the stream, as long as the kernel has not taken it. */
  readonly #untaken: { readonly end: number; readonly question: Question }[] = []
  /** Exchanges begun by either side, less those that are over. */
  #sides = { us: false, peer: false }

  /** @param inputOf how many bytes a command is to be given */
  constructor(now: () => number, inputOf: (command: number) => number) {
    this.#now = now
    this.#inputOf = inputOf
  }

  get isPeerInExchange(): boolean {
    return this.#sides.peer
  }

  get inKeyExchange(): boolean {
    return this.#sides.us || this.#sides.peer
  }

  channelOf(command: number): ChannelFacts | undefined {
    return this.#byCommand.get(command)
  }

  /** The oldest of our probes that the peer cannot have heard, as far as its answers tell. */
  oldestUnanswered(): Question | undefined {
    const answeredTo = this.questions.findLast(({ answeredAt }) => answeredAt !== undefined)?.calledFrom ?? 0
    return this.questions.find(
      ({ probe, askedAt, answeredAt, isVoid }) =>
        probe !== undefined && answeredAt === undefined && !isVoid && askedAt >= answeredTo,
    )
  }

  /** The client gave it to its kernel; it ends there in the stream. */
  sent(payload: Buffer, end: number): void {
    const question = this.#sent(new Payload(payload))
    if (question === undefined) return
    this.questions.push(question)
    this.#untaken.push({ end, question })
  }

  taken(position: number): void {
    for (let [first] = this.#untaken; first !== undefined && first.end <= position; [first] = this.#untaken) {
      first.question.takenAt = this.#now()
      this.#untaken.shift()
    }
  }

  /** The client read it. */
  heard(payload: Buffer): void {
    const message = new Payload(payload)
    switch (message.number) {
      case number.kexinit:
        return this.#exchange('peer', true)
      case number.newkeys:
        return this.#exchange('peer', false)
      case number.requestSuccess:
      case number.requestFailure:
        return this.#answer(this.#line.shift())
      case number.pong:
        return this.#answer(this.#pings.get(message.text()))
      case number.channelConfirmed:
        return this.#confirmed(message.uint32(), message)
      case number.channelRefused:
        return this.#answer(this.#openings.get(message.uint32()))
      case number.channelSuccess:
      case number.channelFailure:
        return this.#answer(this.channels.get(message.uint32())?.asked.shift())
      default:
        if (message.number > number.channelRefused && message.number < number.channelSuccess)
          this.#heardOn(message.uint32(), message)
    }
  }

  #heardOn(id: number, message: Payload): void {
    const channel = this.channels.get(id)
    channel?.heard(message, this.#now())
    if (message.number !== number.channelClose) return
    for (const question of channel?.asked ?? []) {
      question.isVoid = true
      if (question.probe !== undefined) this.voidedAt = this.#now()
    }
  }

  #sent(message: Payload): Question | undefined {
    switch (message.number) {
      case number.kexinit:
        this.#exchange('us', true)
        return undefined
      case number.newkeys:
        this.#exchange('us', false)
        return undefined
      case number.globalRequest:
        return this.#sentGlobal(message)
      case number.channelOpen:
        return this.#sentOpen(message)
      case number.channelData:
        this.#byPeerId.get(message.uint32())?.sentData(message.uint32(), this.#now())
        return undefined
      case number.channelClose:
        this.#byPeerId.get(message.uint32())?.closed(this.#now())
        return undefined
      case number.channelRequest:
        return this.#sentRequest(message)
      case number.ping:
        return this.#sentPing(message)
    }
    return undefined
  }

  #sentGlobal(message: Payload): Question | undefined {
    const name = message.text()
    if (!message.boolean()) return undefined
    const question = this.#ask(probeIf(name, 'global-request'), message.rest())
    this.#line.push(question)
    this.requests.push(question)
    return question
  }

  #sentOpen(message: Payload): Question {
    const question = this.#ask(probeIf(message.text(), 'channel-open'))
    const id = message.uint32()
    this.#openings.set(id, question)
    this.channels.set(id, new ChannelFacts(this.#now()))
    return question
  }

  #sentRequest(message: Payload): Question | undefined {
    const channel = this.#byPeerId.get(message.uint32())
    const type = message.text()
    const wantsReply = message.boolean()
    channel?.sentRequest(type, this.#now())
    if (type === 'exec') {
      const command = Number(message.text())
      channel?.startedCommand(this.#inputOf(command))
      if (channel !== undefined) this.#byCommand.set(command, channel)
    }
    if (!wantsReply) return undefined
    const question = this.#ask(probeIf(type, 'channel-request'))
    channel?.asked.push(question)
    this.requests.push(question)
    return question
  }

  #sentPing(message: Payload): Question {
    const question = this.#ask('ping')
    this.#pings.set(message.text(), question)
    return question
  }

  #ask(probe: Probe | undefined, data = ''): Question {
    const askedAt = this.#now()
    const calledFrom = askedAt === this.newKeysAt ? this.#exchangeBegunAt : askedAt
    return { probe, data, askedAt, calledFrom, takenAt: undefined, answeredAt: undefined, isVoid: false }
  }

  #answer(question: Question | undefined): void {
    if (question !== undefined) question.answeredAt ??= this.#now()
  }

  #confirmed(id: number, message: Payload): void {
    this.#answer(this.#openings.get(id))
    const channel = this.channels.get(id)
    if (channel === undefined) return
    this.#byPeerId.set(message.uint32(), channel)
    channel.confirmed(message.uint32(), this.#now())
  }

  #exchange(side: 'us' | 'peer', begins: boolean): void {
    if (begins && !this.inKeyExchange) this.#exchangeBegunAt = this.#now()
    this.#sides = { ...this.#sides, [side]: begins }
    if (side === 'us') this.ourExchangeAt = begins ? this.#now() : undefined
    if (begins) this.exchangesBegunAt.add(this.#now())
    else this.newKeysAt = this.#now()
    if (begins && side === 'us') return
    for (const question of this.#pings.values()) question.isVoid ||= question.answeredAt === undefined
    this.#pings.clear()
  }
}

function probeIf(name: string, kind: Probe): Probe | undefined {
  return name.startsWith('keepalive@') ? kind : undefined
}

import { defaultLimits } from '#src/client/limits.js'
import type { PeerHandlers } from '#src/connection/mux.js'
import { defaultAlgorithms } from '#src/kex/algorithms.js'
import { messageNumber, openFailure } from '#src/wire/numbers.js'
import { serverOptions } from '../../support/core/options.js'
import type { Random } from '../../support/core/random.js'
import { Party } from '../machine/party.js'
import { quick, quickSigner } from '../machine/quick.js'
import type { Socket } from '../network/tcp.js'
import type { AilmentPlan, Plan } from '../plan.js'
import type { World } from '../world.js'
import { Manners } from './manners.js'
import type { ProgramRecord } from './program.js'
import { probeIn, requestIn } from './purpose.js'
import { RemoteSession } from './session.js'

/** The server gives up nothing by itself: it is the client that is tested. */
const patient = 1e9
const limits = { ...defaultLimits, identification: patient, keyExchange: patient, rekey: patient, prompt: patient }
const foreverMs = 1e12
const chatterMs = 3000

/** A server with programs to run, and whatever the plan says is wrong with it. */
export class Server {
  readonly party: Party
  readonly programs: ProgramRecord[] = []
  readonly manners = new Manners()
  /** Which of the client's requests, by their number, were never answered, of those whose replies are told by order. */
  readonly passedOver = new Set<number>()
  /** What it said nothing to, and when. */
  readonly silences: { readonly at: number; readonly to: 'opens' | 'requests' | 'key-exchanges' }[] = []
  #requests = 0
  readonly #plan: Plan
  readonly #world: World
  readonly #socket: Socket
  readonly #active = new Set<AilmentPlan['what']>()
  /** Sessions that it holds for the client, and since when it would take one more; Infinity while it does not. */
  sessions = 0
  freeSince = 0

  constructor(world: World, random: Random, socket: Socket, plan: Plan) {
    this.#plan = plan
    this.#world = world
    this.#socket = socket
    const { server, client } = plan
    this.party = new Party(world, random, socket, {
      lagMs: server.lagMs,
      isCut: plan.link.isCut,
      core: serverOptions({
        limits,
        handlers: this.#handlers(),
        ...(client.kex === quick ? { signer: quickSigner } : {}),
        extensions: new Map(server.ping ? [['ping@openssh.com', Buffer.from('0')]] : []),
        keepalive: { interval: server.interval, countMax: patient, wantReply: true, tcp: false },
        window: server.window,
        windowMax: server.window,
        rekey: { bytes: server.rekeyBytes, ms: server.rekeyMs },
        algorithms: { ...defaultAlgorithms, kex: [client.kex], cipher: [client.cipher] },
      }),
    })
    this.party.connection.ready.then(
      () => this.manners.authenticated(),
      () => {},
    )
    for (const ailment of plan.ailments) this.#suffer(ailment)
    for (const { at, what } of plan.ends) if (what !== 'reset') world.at(at, () => this.#leave(what))
  }

  start(): void {
    this.party.connection.start()
  }

  #handlers(): PeerHandlers {
    return {
      channelOpen: (type) => {
        if (type !== 'session') return { refuse: openFailure.UNKNOWN_CHANNEL_TYPE, description: 'unknown channel type' }
        if (this.#active.has('refuses-opens') || this.sessions >= this.#plan.server.maxSessions)
          return { refuse: openFailure.CONNECT_FAILED, description: 'open failed' }
        this.sessions++
        if (this.sessions >= this.#plan.server.maxSessions) this.freeSince = Number.POSITIVE_INFINITY
        return { accept: (channel) => new RemoteSession(channel, this.#sessionOptions()) }
      },
      globalRequest: (name, data) => (name === 'echo@sim' ? Buffer.from(data) : undefined),
      ignores: (payload) => {
        this.manners.heard(payload)
        const ignored = this.#ignores(payload)
        if (ignored) this.#noteSilence(payload)
        if (requestIn(payload)) this.#countRequest(ignored)
        return ignored
      },
    }
  }

  #sessionOptions() {
    return {
      process: this.party.process,
      commands: this.#plan.commands,
      passesSignals: this.#plan.server.passesSignals,
      started: (record: ProgramRecord) => this.programs.push(record),
      ended: () => {
        this.sessions--
        this.freeSince = Math.min(this.freeSince, this.#world.now())
      },
    }
  }

  #ignores(payload: Buffer): boolean {
    const probe = probeIn(payload)
    if (probe !== undefined) return this.#active.has('silent') || this.#plan.server.deafTo.includes(probe)
    const number = payload.readUInt8(0)
    if (this.#active.has('ignores-opens') && number === messageNumber.CHANNEL_OPEN) return true
    if (this.#active.has('ignores-requests') && requestIn(payload)) return true
    return (
      this.#active.has('leaves-rekey') && number >= messageNumber.KEXINIT && number < messageNumber.USERAUTH_REQUEST
    )
  }

  #countRequest(ignored: boolean): void {
    if (ignored) this.passedOver.add(this.#requests)
    this.#requests++
  }

  #noteSilence(payload: Buffer): void {
    const number = payload.readUInt8(0)
    if (number < messageNumber.USERAUTH_REQUEST) this.silences.push({ at: this.#world.now(), to: 'key-exchanges' })
    else if (number === messageNumber.CHANNEL_OPEN) this.silences.push({ at: this.#world.now(), to: 'opens' })
    else if (requestIn(payload)) this.silences.push({ at: this.#world.now(), to: 'requests' })
  }

  #suffer(ailment: AilmentPlan): void {
    const { from, to, what } = ailment
    this.#world.at(from, () => {
      this.#active.add(what)
      this.#begin(what, to === null ? foreverMs : to - from)
    })
    if (to !== null) this.#world.at(to, () => this.#recover(what))
  }

  #begin(what: AilmentPlan['what'], forMs: number): void {
    const { party } = this
    if (what === 'stopped') party.process.block(forMs)
    else if (what === 'deaf') party.isDeaf = true
    else if (what === 'chatters') this.#chatter()
    else if (what === 'leaves-rekey') party.process.run(() => void party.connection.rekey().catch(() => {}))
  }

  #chatter(): void {
    const { connection, process } = this.party
    if (!this.#active.has('chatters') || connection.cause !== undefined) return
    connection.probes.refresh()
    process.after(chatterMs, () => this.#chatter())
  }

  #recover(what: AilmentPlan['what']): void {
    this.#active.delete(what)
    if (what !== 'deaf') return
    this.party.isDeaf = false
    this.party.process.readable()
  }

  #leave(what: 'server-closes' | 'server-killed' | 'half-closes'): void {
    const { party } = this
    if (what === 'half-closes') this.#socket.finish()
    else if (what === 'server-closes') party.process.run(() => void party.connection.close(2000))
    else {
      // As the kernel does for a process that is gone.
      this.#socket.close()
      party.process.end()
      party.process.block(foreverMs)
    }
  }
}

import { ClientKeepalive } from '#src/client/keepalive.js'
import { defaultLimits } from '#src/client/limits.js'
import type { Channel } from '#src/connection/channel.js'
import type { KeepaliveSettings } from '#src/liveness/settings.js'
import { CommandError, type CommandResult } from '#src/session/outcome.js'
import { Sessions } from '#src/session/sessions.js'
import { encodeStart } from '#src/wire/session-messages.js'
import type { Party } from '../machine/party.js'
import { pattern, pieceMax, streamOf } from '../pattern.js'
import type { CallPlan, RunPlan } from '../plan.js'
import type { World } from '../world.js'
import { Calls } from './calls.js'
import { type CommandRecord, freshRecord, UserSink } from './sink.js'

/** A command that ran by way of src/session, and what its caller got. */
export interface RunRecord {
  readonly plan: RunPlan
  readonly at: number
  settledAt: number | undefined
  outcome: CommandResult<Buffer> | CommandError | undefined
}

type ExecPlan = Extract<CallPlan, { call: 'exec' }>

/** The program that uses the client: each call of the plan at its time, whatever the others do. */
export class UserProgram {
  readonly calls: Calls
  readonly commands: CommandRecord[] = []
  readonly runs: RunRecord[] = []
  /** A reply that was given to somebody else's request. */
  strayReply: string | undefined
  readonly #party: Party
  readonly #sessions: Sessions
  readonly #keepalive: ClientKeepalive
  readonly #world: World
  /** Until when the first close may take. */
  closedBy: number | undefined
  /** When the program closed the client, or first tried to. */
  closedAt: number | undefined
  /** When something last came on a channel of the program's own, other than what belongs to requests. */
  trafficAt = 0
  /** When the program last changed what the keepalive judges by. */
  configuredAt = 0

  constructor(world: World, party: Party, plans: readonly CallPlan[]) {
    this.#world = world
    this.#party = party
    this.calls = new Calls(world.now)
    this.#sessions = new Sessions(party.connection, {
      username: 'deploy',
      openLimit: defaultLimits.channelOpen,
      limits: { timeout: false, idleTimeout: false, firstByteTimeout: false, stdinStall: false },
    })
    this.#keepalive = new ClientKeepalive({
      connection: () => party.connection,
      replyLimitMs: defaultLimits.reply,
      replyBoundMs: undefined,
      tighten: (settings) => settings,
      setTcp: () => {},
    })
    void this.calls.track({ kind: 'ready', name: 'the login', limitMs: null }, party.connection.ready)
    for (const plan of plans) world.at(plan.at, () => party.process.run(() => void this.#make(plan)))
  }

  close(timeoutMs: number): void {
    this.closedAt ??= this.#world.now()
    // A limit runs on the clock of the machine, which may sleep.
    const now = this.#party.process.now()
    this.closedBy ??= now + timeoutMs
    // A close that is under way is the one that a second call waits for.
    const limitMs = Math.max(timeoutMs, this.closedBy - now)
    void this.calls.track({ kind: 'close', name: 'close()', limitMs }, this.#party.connection.close(timeoutMs))
  }

  /** Calls are made once there is a client: `connect()` gives it when it is ready. */
  async #make(plan: CallPlan): Promise<void> {
    if (plan.call === 'close') return this.close(plan.timeoutMs)
    try {
      await this.#party.connection.ready
    } catch {
      return
    }
    this.#callNow(plan)
  }

  #callNow(plan: Exclude<CallPlan, { call: 'close' }>): void {
    switch (plan.call) {
      case 'exec':
        void this.#exec(plan)
        return
      case 'run':
        void this.#run(plan)
        return
      case 'global-request':
        void this.#globalRequest(plan.abortAfterMs)
        return
      case 'rekey':
        return this.#rekey()
      case 'probe':
        return this.#probe(plan.timeoutMs, plan.abortAfterMs)
      case 'configure':
        return this.#configure({ interval: plan.interval, countMax: plan.countMax })
    }
  }

  #configure(changed: Pick<KeepaliveSettings, 'interval' | 'countMax'>): void {
    const before = this.#keepalive.settings
    this.#keepalive.configure(changed)
    // Said again, the same puts no verdict off.
    if (changed.interval === before.interval && changed.countMax === before.countMax) return
    this.configuredAt = this.#world.now()
  }

  async #run(plan: RunPlan): Promise<void> {
    const { signal, abortAt } = this.#abortAfter(plan.abortAfterMs)
    const record: RunRecord = { plan, at: this.#world.now(), settledAt: undefined, outcome: undefined }
    this.runs.push(record)
    const running = this.#sessions.exec(String(plan.command), {
      signal,
      encoding: 'buffer',
      stdin: pattern(streamOf.stdin(plan.command), 0, Math.min(plan.input, pieceMax)),
      timeout: plan.timeoutMs ?? false,
      idleTimeout: plan.idleMs ?? false,
      firstByteTimeout: plan.firstByteMs ?? false,
      stdinStall: plan.stallMs ?? false,
      maxBuffer: plan.maxBuffer,
      secondSession: plan.secondSession,
    })
    const { timeoutMs: limitMs } = plan
    const { command } = plan
    const call = this.calls.track({ kind: 'run', name: `run ${command}`, command, limitMs, abortAt }, running)
    record.outcome = (await call) ?? (await failureOf(running))
    record.settledAt = this.#world.now()
  }

  /** Replies carry no name: only what is in them tells whose they are. */
  async #globalRequest(abortAfterMs: number | null): Promise<void> {
    const { signal, abortAt } = this.#abortAfter(abortAfterMs)
    const question = String(this.calls.all.length)
    const answer = this.#party.connection.globalRequest('echo@sim', Buffer.from(question), { signal })
    const limitMs = defaultLimits.reply
    const what = { kind: 'global-request', name: 'a global request', limitMs, abortAt, question } as const
    const came = await this.calls.track(what, answer)
    if (came !== undefined && String(came) !== question) this.strayReply = `${String(came)} for ${question}`
  }

  #rekey(): void {
    const what = { kind: 'rekey', name: 'rekey()', limitMs: defaultLimits.rekey } as const
    void this.calls.track(what, this.#party.connection.rekey())
  }

  #probe(timeoutMs: number, abortAfterMs: number | null): void {
    const { signal, abortAt } = this.#abortAfter(abortAfterMs)
    const answer = this.#keepalive.send({ timeout: timeoutMs, signal })
    void this.calls.track({ kind: 'probe', name: 'keepalive.send()', limitMs: timeoutMs, abortAt }, answer)
  }

  async #exec(plan: ExecPlan): Promise<void> {
    const { connection, process } = this.#party
    const record = freshRecord(plan.command, this.#world.now())
    this.commands.push(record)
    const { signal, abortAt } = this.#abortAfter(plan.abortAfterMs)
    const name = `exec ${plan.command}`
    const makeSink = (channel: Channel) =>
      new UserSink(channel, process, record, plan.readsPerSecond, () => this.#noteTraffic())
    const opening = connection.open('session', Buffer.alloc(0), makeSink, { signal })
    const channel = await this.calls.track(
      { kind: 'open', name: `the opening for ${name}`, limitMs: defaultLimits.channelOpen, abortAt },
      opening,
    )
    if (channel === undefined) return
    const asked = channel.request('exec', encodeStart(String(plan.command)), { signal })
    this.#write(channel, record, plan)
    if (plan.closeAfterMs !== null) process.after(plan.closeAfterMs, () => this.#closeChannel(channel, record, name))
    await this.calls.track(
      { kind: 'request', name: `the request of ${name}`, command: plan.command, limitMs: defaultLimits.reply, abortAt },
      asked,
    )
  }

  #noteTraffic(): void {
    this.trafficAt = this.#world.now()
  }

  #closeChannel(channel: Channel, record: CommandRecord, name: string): void {
    record.gaveUp = true
    const what = {
      kind: 'channel-close',
      name: `the close of ${name}`,
      limitMs: defaultLimits.channelClose,
    } as const
    void this.calls.track(what, channel.close())
  }

  #write(channel: Channel, record: CommandRecord, plan: ExecPlan): void {
    const { command, input, inputEof, inputEveryMs } = plan
    while (record.written < input && channel.isOpen && this.closedAt === undefined) {
      const piece = pattern(streamOf.stdin(command), record.written, Math.min(pieceMax, input - record.written))
      record.written += piece.length
      channel.write(piece)
      if (inputEveryMs > 0) {
        this.#party.process.after(inputEveryMs, () => this.#write(channel, record, plan))
        return
      }
    }
    if (inputEof) channel.eof()
  }

  #abortAfter(milliseconds: number | null): { readonly signal: AbortSignal; readonly abortAt: number | undefined } {
    const controller = new AbortController()
    if (milliseconds === null) return { signal: controller.signal, abortAt: undefined }
    this.#party.process.after(milliseconds, () => controller.abort(new Error('given up')))
    return { signal: controller.signal, abortAt: this.#world.now() + milliseconds }
  }
}

async function failureOf(running: Promise<unknown>): Promise<CommandError | undefined> {
  try {
    await running
  } catch (error) {
    if (error instanceof CommandError) return error
  }
  return undefined
}

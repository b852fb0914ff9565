import type { Channel, ChannelSink } from '#src/connection/channel.js'
import { decodeExit, type RemoteExit } from '#src/session/remote-exit.js'
import { extendedDataStderr } from '#src/wire/connection-messages.js'
import type { Process } from '../machine/process.js'
import { matches, streamOf } from '../pattern.js'

/** How often a slow reader takes a piece. */
const readEveryMs = 1000

/** What the program knows of a command that it started. */
export interface CommandRecord {
  readonly command: number
  /** When it was called. */
  readonly at: number
  stdout: number
  stderr: number
  /** What came is what belongs there. */
  intact: boolean
  eof: boolean
  exit: RemoteExit | undefined
  over: 'closed' | 'lost' | undefined
  /** What was heard although it could not have been. */
  heardAfterEnd: string | undefined
  /** Bytes that came and that the program has not taken. */
  unread: number
  /** What its window had grown by when something last came. */
  grownBytes: number
  written: number
  /** The program closed the channel, or gave up before it was open: nothing is owed to it. */
  gaveUp: boolean
}

export function freshRecord(command: number, at: number): CommandRecord {
  return {
    command,
    at,
    stdout: 0,
    stderr: 0,
    intact: true,
    eof: false,
    exit: undefined,
    over: undefined,
    heardAfterEnd: undefined,
    unread: 0,
    grownBytes: 0,
    written: 0,
    gaveUp: false,
  }
}

/** Reads what a command writes, at the pace of the plan. */
export class UserSink implements ChannelSink {
  readonly #channel: Channel
  readonly #process: Process
  readonly #record: CommandRecord
  readonly #readsPerSecond: number | null
  readonly #heard: () => void
  #isReading = false

  /** @param heard is called for whatever comes */
  constructor(
    channel: Channel,
    process: Process,
    record: CommandRecord,
    readsPerSecond: number | null,
    heard: () => void,
  ) {
    this.#heard = heard
    this.#channel = channel
    this.#process = process
    this.#record = record
    this.#readsPerSecond = readsPerSecond
  }

  data(bytes: Buffer): void {
    this.#hears('data', bytes.length > 0)
    const record = this.#record
    record.intact &&= matches(streamOf.stdout(record.command), record.stdout, bytes)
    record.stdout += bytes.length
    this.#take(bytes.length)
  }

  extendedData(type: number, bytes: Buffer): void {
    this.#hears('extended data', bytes.length > 0)
    const record = this.#record
    record.intact &&= type === extendedDataStderr && matches(streamOf.stderr(record.command), record.stderr, bytes)
    record.stderr += bytes.length
    this.#take(bytes.length)
  }

  eof(): void {
    this.#hears('EOF', true)
    this.#record.eof = true
  }

  request(type: string, data: Buffer): boolean {
    this.#hears('a request', false)
    const exit = decodeExit(type, data)
    this.#record.exit ??= exit
    return exit !== undefined
  }

  adjusted(): void {
    this.#hears('an adjustment', false)
  }

  pendingBytes(): number {
    return 0
  }

  closed(): void {
    this.#end('closed')
  }

  lost(): void {
    this.#end('lost')
  }

  #end(how: 'closed' | 'lost'): void {
    if (this.#record.over !== undefined) this.#record.heardAfterEnd ??= `that it was ${how}`
    this.#record.over = how
  }

  #hears(what: string, isOutput: boolean): void {
    if (what !== 'a request') this.#heard()
    const record = this.#record
    if (record.over !== undefined) record.heardAfterEnd ??= `${what} after it was ${record.over}`
    else if (record.eof && isOutput) record.heardAfterEnd ??= `${what} after EOF`
  }

  #take(bytes: number): void {
    if (this.#readsPerSecond === null) return this.#channel.consumed(bytes)
    this.#record.unread += bytes
    this.#record.grownBytes = this.#channel.grownBytes
    this.#readOn(this.#readsPerSecond)
  }

  #readOn(perSecond: number): void {
    if (this.#isReading || this.#record.unread === 0 || perSecond === 0) return
    this.#isReading = true
    this.#process.after(readEveryMs, () => {
      this.#isReading = false
      const bytes = Math.min(this.#record.unread, Math.ceil((perSecond * readEveryMs) / 1000))
      this.#record.unread -= bytes
      this.#channel.consumed(bytes)
      this.#readOn(perSecond)
    })
  }
}

import type { CallPlan, Plan } from './plan.js'
import type { Run } from './run.js'

/** How far apart two lines about bytes may be before they are two. */
const quietMs = 1000

/** Tells what happens in a run, line by line, for a person. */
export class Trace {
  readonly #say: (line: string) => void
  #run: Run | undefined
  #changes = 0
  #calls = 0
  readonly #settled = new Set<unknown>()
  readonly #planned: { readonly at: number; readonly text: string }[] = []
  #isEnded = false
  #isReady = false
  readonly #bytesSaidAt = { read: -quietMs, wrote: -quietMs }
  readonly #seen = { heardAt: 0, wroteAt: 0 }

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  begin(run: Run): void {
    this.#run = run
    this.#planned.push(...plannedEvents(run.plan).toSorted((a, b) => a.at - b.at))
  }

  step(): void {
    const run = this.#run
    if (run === undefined) return
    const now = run.world.now()
    for (let [next] = this.#planned; next !== undefined && next.at <= now; [next] = this.#planned) {
      this.#line(next.at, next.text)
      this.#planned.shift()
    }
    this.#bytes(run, now)
    this.#client(run, now)
    this.#promises(run, now)
  }

  #bytes({ client }: Run, now: number): void {
    if (client.heardAt > this.#seen.heardAt) {
      this.#seen.heardAt = client.heardAt
      if (now - this.#bytesSaidAt.read >= quietMs) this.#line(now, '  the client reads')
      this.#bytesSaidAt.read = now
    }
    const wroteAt = client.wrote.at(-1) ?? 0
    if (wroteAt > this.#seen.wroteAt) {
      this.#seen.wroteAt = wroteAt
      if (now - this.#bytesSaidAt.wrote >= quietMs) this.#line(now, '  the client writes')
      this.#bytesSaidAt.wrote = now
    }
  }

  #client({ client }: Run, now: number): void {
    if (client.isReady && !this.#isReady) {
      this.#isReady = true
      this.#line(now, 'the client is ready')
    }
    for (const { change } of client.changes.slice(this.#changes)) {
      this.#changes++
      this.#line(now, `the peer is ${change.to}${change.reason === undefined ? '' : ` (${change.reason})`}`)
    }
    if (client.ending !== undefined && !this.#isEnded) {
      this.#isEnded = true
      this.#line(now, `the connection ends: ${client.ending.cause.code}: ${client.ending.cause.message}`)
    }
  }

  #promises({ user }: Run, now: number): void {
    for (const call of user.calls.all.slice(this.#calls)) {
      this.#calls++
      this.#line(call.at, `${call.name} is called`)
    }
    for (const call of user.calls.all) {
      if (call.settled === undefined || this.#settled.has(call)) continue
      this.#settled.add(call)
      const { error } = call.settled
      this.#line(now, `${call.name} ${error === undefined ? 'is done' : `fails: ${error.code}: ${error.message}`}`)
    }
  }

  #line(at: number, text: string): void {
    this.#say(`${(at / 1000).toFixed(3).padStart(9)} s  ${text}`)
  }
}

function plannedEvents({ outages, ailments, absences, ends, calls, closeAt }: Plan) {
  const events: { readonly at: number; readonly text: string }[] = []
  const span = (what: string, from: number, to: number | null) => {
    events.push({ at: from, text: `! ${what}${to === null ? ' for ever' : ''}` })
    if (to !== null) events.push({ at: to, text: `! ${what}: over` })
  }
  for (const { from, to, which, how } of outages) {
    const where = which === 'both' ? 'both ways' : which === 'toServer' ? 'to the server' : 'to the client'
    span(`${how} ${where}`, from, how === 'swallowed' ? null : to)
  }
  for (const { from, to, what } of ailments) span(`the server: ${what}`, from, to)
  for (const { from, forMs, what } of absences) span(`the client is ${what}`, from, from + forMs)
  for (const { at, what } of ends) events.push({ at, text: `! ${what}` })
  for (const call of calls) if (call.call === 'configure') events.push({ at: call.at, text: configured(call) })
  events.push({ at: closeAt, text: 'the program closes its client' })
  return events
}

function configured({ interval, countMax }: Extract<CallPlan, { call: 'configure' }>): string {
  return `keepalive.configure(): interval ${interval}, countMax ${countMax}`
}

import type { Plan } from './plan.js'
import { type Failure, play } from './scenario.js'

/** Enough to get any plan down to what matters, and little enough for somebody who waits. */
const triesMax = 600

export interface Shrunk {
  readonly plan: Plan
  readonly failure: Failure
}

/** Makes a plan smaller for as long as the same invariant is violated. */
export async function shrink(plan: Plan, failure: Failure): Promise<Shrunk> {
  let best: Shrunk = { plan, failure }
  let tries = 0
  for (let isSmaller = true; isSmaller && tries < triesMax; ) {
    isSmaller = false
    for (const candidate of candidates(best.plan)) {
      if (tries++ >= triesMax) break
      const { failure: again } = await play(candidate)
      if (again?.invariant !== failure.invariant) continue
      best = { plan: candidate, failure: again }
      isSmaller = true
      break
    }
  }
  return best
}

/** Plans that are simpler by one step, the biggest steps first. */
function* candidates(plan: Plan): Generator<Plan> {
  yield* withoutOne(plan)
  yield* plainer(plan)
  yield* shorter(plan)
}

function* withoutOne(plan: Plan): Generator<Plan> {
  const parts = ['outages', 'ailments', 'absences', 'ends', 'calls'] as const
  for (const part of parts) {
    if (plan[part].length > 1) yield { ...plan, [part]: [] }
    for (let index = 0; index < plan[part].length; index++) yield { ...plan, [part]: plan[part].toSpliced(index, 1) }
  }
}

const plain = {
  link: {
    isCut: false,
    latencyMs: 10,
    jitterMs: 0,
    bytesPerMs: null,
    lossEvery: null,
    sendBuffer: 2_097_152,
    receiveBuffer: 1_048_576,
    natTimeoutMs: null,
  },
  client: {
    countMax: 3,
    wantReply: true,
    window: 2_097_152,
    rekeyBytes: 2 ** 30,
    rekeyMs: 3_600_000,
    clockSleeps: true,
    remembers: [],
  },
  server: {
    window: 2_097_152,
    rekeyBytes: 2 ** 30,
    rekeyMs: 3_600_000,
    lagMs: 0,
    ping: true,
    deafTo: [],
    interval: false,
    maxSessions: 10,
  },
} as const

function* plainer(plan: Plan): Generator<Plan> {
  for (const part of ['link', 'client', 'server'] as const) {
    for (const [name, value] of Object.entries(plain[part])) {
      if (JSON.stringify(Reflect.get(plan[part], name)) === JSON.stringify(value)) continue
      yield { ...plan, [part]: { ...plan[part], [name]: value } }
    }
  }
  for (const [index, call] of plan.calls.entries()) {
    if (call.call !== 'exec') continue
    for (const change of [
      { input: 0 },
      { inputEveryMs: 0 },
      { abortAfterMs: null },
      { closeAfterMs: null },
      { readsPerSecond: null },
    ]) {
      const [[name, value] = []] = Object.entries(change)
      if (name === undefined || Reflect.get(call, name) === value) continue
      yield { ...plan, calls: plan.calls.with(index, { ...call, ...change }) }
    }
  }
  for (const [index, command] of plan.commands.entries()) {
    if (command.stdout > 0) yield { ...plan, commands: plan.commands.with(index, { ...command, stdout: 0 }) }
    if (command.stderr > 0) yield { ...plan, commands: plan.commands.with(index, { ...command, stderr: 0 }) }
  }
}

/** Shifts what happens forward, in halves. */
function* shorter(plan: Plan): Generator<Plan> {
  const closeAt = Math.round(plan.closeAt / 2)
  if (plan.closeAt > 2000) yield { ...plan, closeAt }
  const spans = [...plan.outages, ...plan.ailments, ...plan.absences]
  const first = Math.min(
    ...spans.map(({ from }) => from),
    ...plan.ends.map(({ at }) => at),
    ...plan.calls.map(({ at }) => at),
  )
  if (first === Number.POSITIVE_INFINITY || first < 10_000) return
  const by = Math.round(first / 2)
  yield {
    ...plan,
    outages: plan.outages.map((outage) => ({
      ...outage,
      from: outage.from - by,
      to: outage.to === null ? null : outage.to - by,
    })),
    ailments: plan.ailments.map((ailment) => ({
      ...ailment,
      from: ailment.from - by,
      to: ailment.to === null ? null : ailment.to - by,
    })),
    absences: plan.absences.map((absence) => ({ ...absence, from: absence.from - by })),
    ends: plan.ends.map((end) => ({ ...end, at: end.at - by })),
    calls: plan.calls.map((call) => ({ ...call, at: call.at - by })),
    closeAt: plan.closeAt - by,
  }
}

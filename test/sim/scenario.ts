import { defaultAlgorithms } from '#src/kex/algorithms.js'
import { clientOptions } from '../support/core/options.js'
import { Random } from '../support/core/random.js'
import { allInvariants } from './invariants/index.js'
import { Party } from './machine/party.js'
import { knowQuick, quick, quickVerifier } from './machine/quick.js'
import { watchSeals } from './machine/seals.js'
import { Path } from './network/path.js'
import { connectTcp, type TcpConnection } from './network/tcp.js'
import { pieceMax } from './pattern.js'
import { Server } from './peer/server.js'
import type { Plan } from './plan.js'
import { growthFactor, type Invariant, type Run } from './run.js'
import type { Trace } from './trace.js'
import { Troubles } from './trouble.js'
import { UserProgram } from './user/program.js'
import { Tap } from './wire/tap.js'
import { World } from './world.js'

export interface Failure {
  readonly invariant: string
  readonly problem: string
  readonly at: number
}

export interface Outcome {
  readonly failure: Failure | undefined
  readonly steps: number
  /** How the connection ended, and when. */
  readonly ending: string
  readonly endedAt: number
  readonly settled: number
  readonly fulfilled: number
  readonly excuses: ReadonlySet<string>
}

/** How long the end of a client is looked at. */
const afterwardsMs = 20_000
const closeMs = 2000

knowQuick()
watchSeals()

/** Plays one plan to its end, or to the first violation. Every detail follows from the plan. */
export async function play(plan: Plan, trace?: Trace): Promise<Outcome> {
  const run = setUp(plan)
  trace?.begin(run)
  const invariants = allInvariants()
  const verdict: { failure?: Failure } = {}
  const judge = (problemOf: (invariant: Invariant) => string | undefined) => {
    for (const invariant of invariants) {
      const problem = problemOf(invariant)
      if (problem !== undefined) verdict.failure ??= { invariant: invariant.name, problem, at: run.world.now() }
    }
  }
  const endAt = endOf(plan)
  run.client.connection.start()
  run.server.start()
  await run.world.run(
    () => verdict.failure !== undefined || run.world.now() > endAt,
    () => {
      trace?.step()
      judge((invariant) => invariant.check(run))
      run.user.calls.stepEnded()
    },
  )
  if (verdict.failure === undefined) judge((invariant) => invariant.checkEnd?.(run))
  return outcomeOf(run, verdict.failure)
}

/** The close waits for the program to run again, from each absence that begins before it can have ended. */
function endOf({ closeAt, absences }: Plan): number {
  let closesAt = closeAt
  for (const { from, forMs } of absences.toSorted((a, b) => a.from - b.from)) {
    if (from < closesAt + closeMs) closesAt = Math.max(closesAt, from + forMs)
  }
  return closesAt + closeMs + afterwardsMs
}

function setUp(plan: Plan): Run {
  const world = new World()
  const random = new Random(plan.seed)
  const path = new Path(plan.link, plan.outages)
  const tcp = connectTcp(world, random, path, plan.link, plan.outages)
  const client = new Party(world, random, tcp.client, {
    core: coreOptions(plan),
    isCut: plan.link.isCut,
    tap: new Tap(world.now, (command) => inputBytes(plan, command)),
  })
  const server = new Server(world, random, tcp.server, plan)
  client.faces(server.party)
  server.party.faces(client)
  const user = new UserProgram(world, client, plan.calls)
  stage(plan, world, path, tcp, client)
  world.at(plan.closeAt, () => client.process.run(() => user.close(closeMs)))
  const troubles = new Troubles(plan, path)
  return {
    plan,
    world,
    path,
    client,
    server,
    user,
    troubles,
    excuses: new Set(),
    absentMs: (since) => absentMs(plan, world, since),
  }
}

/** Of a command that is called by way of src/session. */
function inputBytes({ calls }: Plan, command: number): number {
  const call = calls.find((each) => each.call === 'run' && each.command === command)
  return call?.call === 'run' ? Math.min(call.input, pieceMax) : 0
}

function coreOptions({ client }: Plan) {
  const { interval, countMax, wantReply, window, rekeyBytes, rekeyMs, kex, cipher, remembers } = client
  return clientOptions({
    keepalive: { interval, countMax, wantReply, tcp: false },
    window,
    windowMax: growthFactor * window,
    probeMemory: { deaf: new Set(remembers === 'mute' ? [] : remembers), mute: remembers === 'mute' },
    rekey: { bytes: rekeyBytes, ms: rekeyMs },
    ...(kex === quick ? { verifier: quickVerifier } : {}),
    algorithms: { ...defaultAlgorithms, kex: [kex], cipher: [cipher], named: [cipher] },
  })
}

/** What happens to the client's machine, and to the stream. */
function stage(plan: Plan, world: World, path: Path, tcp: TcpConnection, client: Party): void {
  for (const { from, forMs, what, networkBackMs } of plan.absences) {
    world.at(from, () => {
      if (what === 'blocked') client.process.block(forMs)
      else {
        path.asleep(from + forMs + networkBackMs)
        client.process.suspend(forMs, plan.client.clockSleeps)
      }
    })
  }
  for (const { at, what } of plan.ends) {
    if (what !== 'reset') continue
    world.at(at, () => {
      for (const socket of [tcp.client, tcp.server]) socket.fail(new Error('read ECONNRESET'))
    })
  }
}

function absentMs({ absences }: Plan, world: World, since: number): number {
  const now = world.now()
  let sum = 0
  for (const { from, forMs } of absences) sum += Math.max(0, Math.min(now, from + forMs) - Math.max(from, since))
  return sum
}

function outcomeOf({ world, client, user, excuses }: Run, failure: Failure | undefined): Outcome {
  const { all } = user.calls
  return {
    failure,
    steps: world.steps,
    ending: client.ending?.cause.code ?? 'none',
    endedAt: client.ending?.at ?? world.now(),
    settled: all.filter(({ settled }) => settled !== undefined).length,
    fulfilled: all.filter(({ settled }) => settled !== undefined && settled.error === undefined).length,
    excuses,
  }
}

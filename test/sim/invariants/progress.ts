import type { CommandPlan, Plan } from '../plan.js'
import { answerMs, type Invariant, type Run, transferMs } from '../run.js'
import type { CommandRecord } from '../user/sink.js'

/**
 * Nothing stands still without a cause: on a link that loses nothing and with everybody well, all that was written has
 * arrived, both ways, after what the link needs for it, twice over.
 */
export function everythingArrives(): Invariant {
  const watch = { isOver: false }
  return { name: 'what was written arrives', check: (run) => check(run, watch) }
}

function check(run: Run, watch: { isOver: boolean }): string | undefined {
  const { user, troubles, plan } = run
  if (watch.isOver || user.closedAt === undefined) return undefined
  watch.isOver = true
  const isWell = troubles.all.length === 0 && plan.absences.length === 0 && plan.link.lossEvery === null
  if (!isWell || run.client.ending !== undefined || plan.server.deafTo.length > 0) return undefined
  for (const record of user.commands) {
    const problem = missing(run, record)
    if (problem !== undefined) return `command ${record.command}, called at ${record.at} ms: ${problem}`
  }
  return undefined
}

function missing({ plan, server, world }: Run, record: CommandRecord): string | undefined {
  const command = plan.commands[record.command]
  const call = plan.calls.find((each) => each.call === 'exec' && each.command === record.command)
  const truth = server.programs.find((program) => program.command === record.command)
  if (command === undefined || truth === undefined || call?.call !== 'exec') return undefined
  if (record.gaveUp || record.over !== undefined) return undefined
  const pieces = call.inputEveryMs * Math.ceil(call.input / 32_768)
  const dueMs = 5000 + 6 * answerMs(plan) + pieces + 2 * transferMs(plan, allBytes(plan)) + producingMs(command)
  if (world.now() < record.at + dueMs) return undefined
  if (command.reads === 'all' && !truth.isDone && truth.stdin < call.input)
    return `${truth.stdin} of ${call.input} bytes of its input have come after ${world.now() - record.at} ms`
  const came = record.stdout + record.stderr
  if (call.readsPerSecond === null && came < truth.stdout + truth.stderr)
    return `${came} of ${truth.stdout + truth.stderr} bytes of its output have come`
  return undefined
}

/** Of all commands together, each way, as they may share the link. */
function allBytes({ commands, calls }: Plan): number {
  const output = commands.reduce((sum, { stdout, stderr }) => sum + stdout + stderr, 0)
  return calls.reduce((sum, call) => sum + ('input' in call ? 2 * call.input : 0), output)
}

function producingMs({ stdout, stderr, piece, everyMs }: CommandPlan): number {
  return everyMs * Math.ceil(Math.max(stdout, stderr) / piece)
}

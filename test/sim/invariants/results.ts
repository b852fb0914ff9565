import { CommandError, type CommandOutcome, type CommandResult } from '#src/session/outcome.js'
import { matches, streamOf } from '../pattern.js'
import type { ProgramRecord } from '../peer/program.js'
import type { Invariant, Run } from '../run.js'
import type { RunRecord } from '../user/program.js'

/**
 * What `exec()` says of a command is true: its output is the beginning of what was written, and all of it where nothing
 * is said to hold it open; the exit code is the program's own; and `remote` of an error claims no end that did not happen,
 * nor denies a start that did (promise 5).
 */
export function resultsAreTrue(): Invariant {
  const judged = new Set<RunRecord>()
  const check = (run: Run) => {
    for (const record of run.user.runs) {
      if (record.outcome === undefined || judged.has(record)) continue
      judged.add(record)
      const problem = judge(run, record, record.outcome)
      if (problem !== undefined) return `run ${record.plan.command}: ${problem}`
    }
    return undefined
  }
  return { name: 'what exec() says of a command is true', check }
}

function judge(run: Run, { plan }: RunRecord, outcome: CommandResult<Buffer> | CommandError): string | undefined {
  const truth = run.server.programs.find(({ command }) => command === plan.command)
  const problem = outputProblem(outcome, truth, plan.command)
  if (problem !== undefined) return problem
  if (outcome instanceof CommandError) return claimProblem(outcome, truth)
  return resultProblem(run, outcome, truth)
}

function outputProblem(
  { stdout, stderr }: Pick<CommandOutcome, 'stdout' | 'stderr'>,
  truth: ProgramRecord | undefined,
  command: number,
): string | undefined {
  const [out, err] = [Buffer.from(stdout), Buffer.from(stderr)]
  if (!matches(streamOf.stdout(command), 0, out)) return 'its stdout is not what was written'
  if (!matches(streamOf.stderr(command), 0, err)) return 'its stderr is not what was written'
  if (out.length > (truth?.stdout ?? 0) || err.length > (truth?.stderr ?? 0))
    return 'it has more output than was written'
  return undefined
}

function resultProblem(
  { plan, server }: Run,
  { stdout, stderr, exitCode, signal, outputOpen }: CommandResult<Buffer>,
  truth: ProgramRecord | undefined,
): string | undefined {
  if (truth === undefined) return 'it has a result, and was never started'
  const isWhole = stdout.length === truth.stdout && stderr.length === truth.stderr
  if (!outputOpen && !isWhole && server.party.ending === undefined)
    return `${stdout.length} and ${stderr.length} bytes came of ${truth.stdout} and ${truth.stderr}`
  const { exit } = plan.commands[truth.command] ?? {}
  if (typeof exit === 'number' && exitCode !== exit) return `its exit code is ${exitCode}, and was ${exit}`
  if (typeof exit === 'string' && signal !== `SIG${exit}`) return `its signal is ${signal}, and was ${exit}`
  return undefined
}

function claimProblem({ remote, ending }: CommandError, truth: ProgramRecord | undefined): string | undefined {
  const isEnded = truth?.isDone ?? false
  if ((remote === 'terminated' || remote === 'killed' || remote === 'exited') && !isEnded)
    return `it is said to be ${remote} (${ending.detail}), and runs`
  if (remote === 'not-started' && truth !== undefined) return 'it is said not to have been started, and was'
  return undefined
}

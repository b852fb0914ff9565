import { type RunOptions, type RunResult, run } from './run.js'

/** The machine's own ssh-keygen; `installTools(['ssh-keygen'])` brings it where it is missing. */
export function sshKeygen(args: readonly string[], options?: RunOptions): Promise<RunResult> {
  return run('ssh-keygen', args, options)
}

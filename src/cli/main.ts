#!/usr/bin/env node
import process from 'node:process'
import { HoldfastError } from '../errors.js'
import { runPolicy, UsageError } from './policy.js'

const usage = `usage: holdfast policy check [FILE]         is a policy right? without FILE that of this process
       holdfast policy show [--json] HOST   what holds for a host, and who says so
       holdfast policy register-path        the value of NODE_OPTIONS by which programs on ssh2 get Holdfast's client
`

/** Ends with 0; 1 where a policy is wrong; 2 where the command line is. */
async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage)
    return
  }
  const [subject, ...rest] = args
  try {
    if (subject !== 'policy') throw new UsageError(subject === undefined ? 'what to do?' : `there is no ${subject}`)
    const { text, notes = '' } = await runPolicy(rest)
    process.stdout.write(text)
    process.stderr.write(notes)
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof HoldfastError)) throw error
    const hint = error instanceof HoldfastError ? `${error.code}; ${error.hint}\n` : usage
    process.stderr.write(`holdfast: ${error.message}\n${hint}`)
    process.exitCode = error instanceof HoldfastError ? 1 : 2
  }
}

await main(process.argv.slice(2))

import { resolve } from 'node:path'
import process from 'node:process'
import { configure } from '../client/config/configure.js'
import { parsePolicy } from '../client/policy/document.js'
import { policyError, readPolicyFile } from '../client/policy/file.js'
import { type OptionInForce, type PolicyStats, policyStats } from '../client/policy/origins.js'
import { defaultPolicyFile, loadPolicy } from '../client/policy/policy.js'
import { gatherOptions, resolveSettings } from '../client/settings.js'
import { printable } from '../wire/printable.js'
import type { Printed } from './printed.js'
import { registerPath } from './register-path.js'

/** What is wrong with a command line. */
export class UsageError extends Error {}

/**
 * `holdfast policy …`
 * @returns what it prints
 * @throws UsageError; HoldfastError where the policy is wrong
 */
export async function runPolicy([action, ...rest]: readonly string[]): Promise<Printed> {
  if (action === 'check') return { text: check(rest) }
  if (action === 'show') return { text: await show(rest) }
  if (action !== 'register-path')
    throw new UsageError(
      action === undefined ? 'policy: check, show or register-path?' : `policy has no ${printable(action, 60)}`,
    )
  if (rest.length > 0) throw new UsageError('policy register-path takes nothing more')
  return registerPath()
}

function check(args: readonly string[]): string {
  const [file, ...others] = args
  if (others.length > 0 || file?.startsWith('-')) throw new UsageError('policy check takes one file, or none')
  if (file !== undefined) return checkFile(resolve(file))
  const { documents, environment } = loadPolicy(process.env)
  const files = documents.map((document) => `${document.file}: right\n`)
  const variables = new Set([...environment.values()].map(({ source }) => `${source}: right\n`))
  return (
    files.join('') + [...variables].join('') + switchOfRegister() ||
    `there is no ${defaultPolicyFile}, and no variable HOLDFAST_…\n`
  )
}

/** It is no option, and no connection looks at it: a wrong value leaves a program with Holdfast that was not to have it. */
function switchOfRegister(): string {
  const { HOLDFAST: value = '' } = process.env
  if (value === '') return ''
  if (value !== 'off') throw policyError('the value of HOLDFAST is not known: only off is')
  return 'HOLDFAST: right, and programs on npm ssh2 keep its client\n'
}

function checkFile(file: string): string {
  const text = readPolicyFile(file)
  if (text === undefined) throw policyError(`there is no ${file}`)
  parsePolicy(text, file)
  return `${file}: right\n`
}

async function show(args: readonly string[]): Promise<string> {
  const hosts = args.filter((arg) => arg !== '--json')
  const [host, ...others] = hosts
  if (host === undefined || others.length > 0 || host.startsWith('-'))
    throw new UsageError('policy show takes one host')
  const { policy, keepalive } = resolveSettings(await configure(gatherOptions(host)))
  const stats = policyStats(policy, keepalive)
  return args.includes('--json') ? `${JSON.stringify(stats, undefined, 2)}\n` : table(stats)
}

function table({ files, options }: PolicyStats): string {
  const rows = Object.entries(options).map(([path, inForce]) => [path, shown(inForce.value), sourceOf(inForce)])
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  const widths = [width(0), Math.min(40, width(1))]
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const read = files.length === 0 ? 'no policy file' : files.join(', ')
  return `${read}; durations in milliseconds\n${lines.join('\n')}\n`
}

function sourceOf({ from, source, bound }: OptionInForce): string {
  const said = source === undefined ? from : `${from} (${source})`
  return bound === undefined || from === 'enforced'
    ? said
    : `${said}, bound by ${bound.source} to ${shown(bound.value)}`
}

function shown(value: OptionInForce['value']): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

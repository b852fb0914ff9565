// What holdfast/register costs a program that does not use ssh2, at its start: for each Node, processes with it and without it
// in turn, and the difference of the medians.
//
//   npm run bench:register                         on this Node
//   npm run bench:register -- 200 PATH PATH        so many of each, on these Nodes
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { median } from './statistics.js'

const register = fileURLToPath(new URL('../../dist/register/', import.meta.url))
const ways = {
  without: [],
  '--require': ['--require', join(register, 'register.cjs')],
  '--import': ['--import', join(register, 'register.mjs')],
} as const satisfies Record<string, readonly string[]>
type Way = keyof typeof ways
const names = ['without', '--require', '--import'] as const satisfies readonly Way[]

const env = { PATH: process.env['PATH'] }
const [rounds = '100', ...nodes] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-register-'))
try {
  for (const node of nodes.length > 0 ? nodes : [process.execPath]) console.log(measure(node, Number(rounds)))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function measure(node: string, count: number): string {
  const program = join(folder, 'empty.cjs')
  writeFileSync(program, '')
  const taken: Record<Way, number[]> = { without: [], '--require': [], '--import': [] }
  for (let round = 0; round < count; round++) {
    for (const way of names) taken[way].push(millisecondsOf(node, [...ways[way], program]))
  }
  const bare = median(taken.without)
  const more = names.slice(1).map((way) => `${way} +${(median(taken[way]) - bare).toFixed(1)} ms`)
  return [versionOf(node), `without ${bare.toFixed(1)} ms`, ...more].join(', ')
}

function millisecondsOf(node: string, args: readonly string[]): number {
  const startedAt = performance.now()
  const { status, stderr } = spawnSync(node, args, { env, encoding: 'utf8', timeout: 60_000 })
  const ms = performance.now() - startedAt
  if (status !== 0) throw new Error(`${node} ${args.join(' ')}: ${stderr}`)
  return ms
}

function versionOf(node: string): string {
  return spawnSync(node, ['-p', 'process.version'], { env, encoding: 'utf8' }).stdout.trim()
}

// Runs the whole lab and writes docs/failures.md and its pictures from what was measured.
//
//   node build/test/lab/report/main.js            measures, then writes
//   node build/test/lab/report/main.js DIRECTORY  writes from the records of an earlier run
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { requireAvailable } from '../../servers/availability.js'
import { prepareSshd } from '../../servers/sshd.js'
import { measureMatrix } from '../matrix/matrix.js'
import { prepareLab } from '../network/lab.js'
import { failuresPage } from './page.js'
import { root } from './root.js'
import { type LabRun, readRun, saveRun } from './run.js'
import { shortcomings } from './shortcomings.js'
import { readVersions } from './versions.js'

const directory = process.argv[2] ?? (await measure())
const run = readRun(directory)
write(run)
const missing = shortcomings(run)
for (const line of missing) console.error(line)
if (missing.length > 0) process.exitCode = 1

/** @returns the directory of the records */
async function measure(): Promise<string> {
  for (const prepare of [prepareLab, () => prepareSshd('9.2'), () => prepareSshd('10')])
    requireAvailable(await prepare())
  const records = mkdtempSync(join(tmpdir(), 'holdfast-lab-report-'))
  console.log(`The records of this run: ${records}`)
  const versions = await readVersions()
  const date = new Date().toISOString().slice(0, 10)
  // One after the other: the machine's load must not be what is measured.
  const matrix = await measureMatrix((scene) => console.log(`matrix: ${scene}`))
  saveRun(records, { date, versions, matrix })
  if (!(await runRows(records))) process.exitCode = 1
  return records
}

async function runRows(records: string): Promise<boolean> {
  const env = { ...process.env, HOLDFAST_LAB: 'full', HOLDFAST_LAB_REPORT: records }
  const runner = spawn(process.execPath, ['scripts/test.mjs', 'lab/rows'], { cwd: root, env, stdio: 'inherit' })
  await once(runner, 'close')
  return runner.exitCode === 0
}

function write(measured: LabRun): void {
  const pictures = new URL('docs/failures/', root)
  rmSync(pictures, { recursive: true, force: true })
  mkdirSync(pictures)
  for (const [path, text] of failuresPage(measured)) writeFileSync(fileURLToPath(new URL(path, root)), text)
}

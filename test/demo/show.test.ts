import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../demo/main.js', import.meta.url))

test('npm start plays four scenes within a minute, finds the promises kept, and leaves nothing open', async () => {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 })
  const [shown, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])

  assert.equal(errors, '')
  assert.equal(child.exitCode, 0, shown)
  assert.ok(performance.now() - startedAt < 60_000)
  assert.deepEqual(
    shown.match(/^Scene \d/gm),
    [1, 2, 3, 4].map((number) => `Scene ${number}`),
  )
  assert.equal(shown.match(/^ {2}kept /gm)?.length, 5)
  assert.doesNotMatch(shown, /BROKEN/)
  // Control characters other than line ends: nothing here is a terminal.
  assert.doesNotMatch(shown, /[^\P{Cc}\n]/u)
  for (const line of shown.split('\n').filter((each) => !/^Scene|^ {2}\d/.test(each))) assert.ok(line.length < 80, line)

  const [idle, vanished, limit, remote, closed] = rows(shown)
  assert.match(idle ?? '', /not within 15 s +\d\.\d\d s +\d\.\d\d s$/)
  assert.match(vanished ?? '', /not within 15 s +\d\.\d\d s +\d\.\d\d s$/)
  assert.match(limit ?? '', /\d\.\d\d s +\d\.\d\d s +\d\.\d\d s$/)
  assert.match(remote ?? '', /runs on +gone +gone$/)
  assert.match(closed ?? '', /not within 15 s +not within 15 s +\d\.\d\d s$/)
})

/** Those of the table, below its head. */
function rows(shown: string): string[] {
  const [, , body = ''] = shown.split(/^─+\n/m)
  return body.split('\n')
}

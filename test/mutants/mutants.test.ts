import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { mustRun } from './command.js'
import { layers, parseMutant, readMutants } from './mutant.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = `${root}test/mutants`

describe('the patches', () => {
  it('are at least 25, four of each layer, and half of them written from the source alone', async () => {
    const mutants = await readMutants(folder)
    assert.ok(mutants.length >= 25, `${mutants.length}`)
    for (const layer of layers) assert.ok(mutants.filter((mutant) => mutant.layer === layer).length >= 4, layer)
    const blind = mutants.filter(({ writtenFrom }) => writtenFrom === 'src alone').length
    assert.ok(2 * blind >= mutants.length, `${blind} of ${mutants.length}`)
    assert.equal(new Set(mutants.map(({ name }) => name.slice(0, 2))).size, mutants.length, 'a number is used twice')
  })

  it('apply to the source as it is', async (t) => {
    for (const { patch } of await readMutants(folder))
      await mustRun('git', ['apply', '--check', '-C1', patch], { cwd: root, limitMs: 60_000, signal: t.signal })
  })

  it('are found by the beginnings of their names', async () => {
    const [first, ...others] = await readMutants(folder, ['01'])
    assert.match(first?.name ?? '', /^01-/)
    assert.deepEqual(others, [])
    await assert.rejects(readMutants(folder, ['01', 'nothing']), /no patch begins with nothing/)
  })
})

const header = 'title: A timer is forgotten\nlayer: kex\nwhy it matters: it hangs\nwritten from: src alone\n'
const diff = 'diff --git a/src/kex/x.ts b/src/kex/x.ts\n--- a/src/kex/x.ts\n+++ b/src/kex/x.ts\n'

describe('parseMutant', () => {
  it('reads the header before the diff', () => {
    assert.deepEqual(parseMutant('/somewhere/03-timer.patch', `${header}lab: 12, 31\n\n${diff}`), {
      name: '03-timer',
      patch: '/somewhere/03-timer.patch',
      title: 'A timer is forgotten',
      layer: 'kex',
      why: 'it hangs',
      writtenFrom: 'src alone',
      rows: [12, 31],
    })
  })

  it('says what is wrong with a patch', () => {
    wrong(header, /holds no diff/)
    wrong(header.replace('why it matters: it hangs\n', '') + diff, /lacks "why it matters:"/)
    wrong(header.replace('kex', 'keys') + diff, /keys is no layer/)
    wrong(header.replace('kex', 'session') + diff, /changes src\/kex\/x.ts, which is not in src\/session/)
    wrong(`${header}lab: all\n${diff}`, /"lab: all" names no rows/)
    wrong(`${header}and some words\n${diff}`, /no "key: value" in and some words/)
  })
})

function wrong(text: string, message: RegExp): void {
  assert.throws(() => parseMutant('1.patch', text), message)
}

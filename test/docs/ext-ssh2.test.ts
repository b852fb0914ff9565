// The page of PHP's functions, against what there is, and against what is compared with PHP.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as face from 'holdfast/ext-ssh2'
import { errorTable } from '#src/error-table.js'
import { membersOf } from './interfaces.js'

const root = new URL('../../../', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8')

const page = read('docs/ext-ssh2.md')

interface Row {
  readonly functions: readonly string[]
  readonly knownBy: string
}

/** Of the tables that are headed `function`. */
const rows: readonly Row[] = [...page.matchAll(/^\| function \|.*\n\|[-|]+\n((?:\|.*\n)+)/gm)].flatMap(
  ([, lines = '']) =>
    lines
      .trim()
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map((cells) => ({
        functions: [...(cells[1] ?? '').matchAll(/`(\w+)\(\)`/g)].map(([, name = '']) => name),
        knownBy: cells.at(-2) ?? '',
      })),
)

/** Of a table whose first column is headed so. */
function firstCells(heading: string): string[] {
  const [, lines = ''] = new RegExp(String.raw`^\| ${heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)`, 'm').exec(page) ?? []
  return [...lines.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name)
}

test('the tables have each function once, and no other', () => {
  const named = rows.flatMap(({ functions }) => functions)
  const functions = Object.entries(face).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []))
  assert.ok(functions.length > 40)
  assert.deepEqual(named.toSorted(), functions.toSorted())
})

test('the page has each constant, and no other', () => {
  const named = new Set(page.match(/\b(?:SSH2|SEEK|SCANDIR)_[A-Z0-9_]+\b/g))
  const constants = Object.entries(face).flatMap(([name, value]) => (typeof value === 'function' ? [] : [name]))
  assert.deepEqual([...named].toSorted(), constants.toSorted())
})

test('a row says that it is compared with PHP where the scripts of the tests call the function, and nowhere else', () => {
  const folder = new URL('test/ext-ssh2/php/', root)
  const scripts = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
  for (const { functions, knownBy } of rows)
    for (const name of functions) {
      const called = name === 'open' ? 'fopen' : name
      const isCompared = scripts.some((script) => new RegExp(String.raw`\b${called}\(`).test(script))
      assert.equal(knownBy === 'PHP', isCompared, name)
      assert.match(knownBy, /^(?:PHP|libssh2|sshd)$/, name)
    }
})

test('the page has each option of a context, each ini name and each callback', () => {
  const source = read('src/ext-ssh2/context.ts')
  assert.deepEqual(
    firstCells('`socket`'),
    membersOf(source, 'SocketContext').map(({ name }) => name),
  )
  const [, own = ''] = /^export type HoldfastContext = Pick<(.*?)^>/ms.exec(source) ?? []
  const options = [...own.matchAll(/'(\w+)'/g)].map(([, name = '']) => name)
  const [, said = ''] = /^`holdfast` takes (.*?) of \[/ms.exec(page) ?? []
  assert.ok(options.length > 5)
  assert.deepEqual(
    [...said.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    options,
  )
  assert.ok(firstCells('name').every((name) => face.ini_get(name) !== false))
  const names = [...read('src/ext-ssh2/ini.ts').matchAll(/^ {2}readonly '?([\w.]+)'?\?:/gm)].map(
    ([, name = '']) => name,
  )
  assert.deepEqual(firstCells('name'), names)
  const callbacks = membersOf(read('src/ext-ssh2/callbacks.ts'), 'Ssh2Callbacks').map(({ name }) => name)
  assert.deepEqual(firstCells('callback').toSorted(), callbacks.toSorted())
})

test('the errors that the page names exist', () => {
  const named = [...page.matchAll(/`(ERR_SSH_\w+)`/g)].map(([, code = '']) => code)
  assert.ok(named.length > 2)
  assert.deepEqual(
    named.filter((code) => !Object.hasOwn(errorTable, code)),
    [],
  )
})

// The page for who comes from another client, against what ssh2 has and what Holdfast has.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Client as Ssh2Client } from 'ssh2'
import { Client } from '#src/client/client.js'
import { errorTable } from '#src/error-table.js'
import { Forward } from '#src/forward/forward.js'
import { Sftp } from '#src/sftp/sftp.js'

const page = readFileSync(new URL('../../../docs/migrating.md', import.meta.url), 'utf8')
const fromSsh2 = page.slice(page.indexOf('## From ssh2\n'), page.indexOf('## From node-ssh\n'))

/** Without the examples of what was before. */
const ours = page.replaceAll(/^```(?:js fragment|php)\n.*?^```$/gms, '')

/** What a class offers to its users. */
function methodsOf({ prototype }: { readonly prototype: unknown }): string[] {
  if (typeof prototype !== 'object' || prototype === null) throw new TypeError('not a class')
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor' && !name.startsWith('_'))
}

const isNamed = (name: string): boolean => fromSsh2.includes(`\`${name}(`)

test('the page has each call of ssh2’s client', () => {
  assert.deepEqual(
    methodsOf(Ssh2Client).filter((name) => name !== 'connect' && !isNamed(name)),
    [],
  )
})

test('the page has each call of ssh2’s SFTP client', () => {
  // The package names no types for it, and has it in one class with the server's side.
  const module: unknown = createRequire(import.meta.url)('ssh2/lib/protocol/SFTP.js')
  assert.ok(typeof module === 'object' && module !== null && 'SFTP' in module && typeof module.SFTP === 'function')
  const ofTheServer = ['handle', 'status', 'data', 'name', 'attrs']
  const internal = ['push', 'destroy', 'readData', 'writeData']
  const calls = methodsOf(module.SFTP).filter((name) => ![...ofTheServer, ...internal].includes(name))
  assert.ok(calls.length > 30)
  assert.deepEqual(
    calls.filter((name) => !isNamed(name)),
    [],
  )
})

test('the calls of Holdfast that the page names exist', () => {
  const types = { ssh: Client, sftp: Sftp, forward: Forward } as const
  for (const [variable, type] of Object.entries(types)) {
    const named = [...ours.matchAll(new RegExp(String.raw`\b${variable}\.(\w+)\(`, 'g'))].map(([, name = '']) => name)
    const missing = named.filter((name) => !(name in type.prototype))
    assert.ok(named.length > 0, variable)
    assert.deepEqual(missing, [], variable)
  }
})

test('the errors that the page names exist', () => {
  const named = [...page.matchAll(/`(ERR_SSH_\w+)`/g)].map(([, code = '']) => code)
  assert.ok(named.length > 3)
  assert.deepEqual(
    named.filter((code) => !Object.hasOwn(errorTable, code)),
    [],
  )
})

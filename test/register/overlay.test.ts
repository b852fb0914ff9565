import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { entries, makeProgramFolder, nodes, runNode } from './program-folder.js'
import { loaders, type Way, ways } from './ways.js'

const folder = makeProgramFolder()

before(() => {
  folder.installSsh2('node_modules')
  folder.installSsh2('node_modules/dependent/node_modules')
  folder.installPackage(
    'node_modules/dependent',
    { name: 'dependent', main: 'main.cjs' },
    {
      'main.cjs': "exports.Client = require('ssh2').Client",
      'module.mjs': "export { Client } from 'ssh2'",
    },
  )
  const store = 'node_modules/.pnpm/stored@1.0.0/node_modules'
  folder.installSsh2('node_modules/.pnpm/ssh2@1.17.0/node_modules')
  folder.installPackage(
    `${store}/stored`,
    { name: 'stored', main: 'main.cjs' },
    {
      'main.cjs': "exports.Client = require('ssh2').Client",
    },
  )
  link('node_modules/.pnpm/ssh2@1.17.0/node_modules/ssh2', `${store}/ssh2`)
  link('node_modules/.pnpm/ssh2@1.17.0/node_modules/asn1', `${store}/asn1`)
  link('node_modules/.pnpm/ssh2@1.17.0/node_modules/bcrypt-pbkdf', `${store}/bcrypt-pbkdf`)
  link(`${store}/stored`, 'node_modules/stored')
  folder.link('import-in-the-middle')
  for (const [name, text] of Object.entries(loaders)) folder.write(name, text)
  for (const { file, text } of ways) folder.write(file, text)
})
after(() => folder.remove())

function link(target: string, at: string): void {
  mkdirSync(path.dirname(path.join(folder.path, at)), { recursive: true })
  symlinkSync(path.join(folder.path, target), path.join(folder.path, at), 'junction')
}

async function play(way: Way, node: string, register: readonly string[]): Promise<unknown> {
  const args = [...(way.flagsBefore ?? []), ...register, ...(way.flags ?? []), way.file]
  const { status, stdout, stderr } = await runNode(['--no-deprecation', ...args], { node, cwd: folder.path })
  assert.equal(status, 0, stderr)
  assert.equal(stderr.replaceAll(/^.*(ExperimentalWarning|--trace-warnings).*\n/gm, ''), '')
  return JSON.parse(stdout)
}

function isLacking(node: string, from: Way['from']): boolean {
  if (from === undefined) return false
  const version = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.trim()
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < from[0] || (major === from[0] && minor < from[1])
}

for (const node of nodes()) {
  describe(`a program that uses ssh2 gets Holdfast's client in it, on ${node}, by`, () => {
    for (const way of ways) {
      const skip = isLacking(node, way.from) && `takes Node ${way.from?.join('.')}`
      test(way.name, { skip }, async () => {
        // Programs of ES modules by the entry that is one: both serve both, and each run takes its time.
        const register = way.file.endsWith('.mjs') ? ['--import', entries.module] : ['--require', entries.commonJs]
        assert.deepEqual(await play(way, node, register), way.expected ?? true)
      })
    }
  })
}

test('without the register, they have ssh2 itself', async () => {
  for (const name of ['require', 'import of a name', 'a deep file, imported']) {
    const way = ways.find((candidate) => candidate.name === name)
    assert.ok(way)
    assert.equal(await play(way, process.execPath, []), false)
  }
})

if (nodes().length === 1) test('on other Nodes', { skip: 'HOLDFAST_TEST_NODES names none' })

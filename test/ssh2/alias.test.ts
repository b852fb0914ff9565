// The package of two lines that docs/ssh2.md has in the place of ssh2.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeProgramFolder, runNode } from '../register/program-folder.js'

test('a package in the place of ssh2 serves what is required and what is imported', async (t) => {
  const folder = makeProgramFolder()
  t.after(() => folder.remove())
  folder.link('holdfast')
  folder.installPackage(
    'node_modules/ssh2',
    { name: 'ssh2', version: '1.17.0', main: 'index.js' },
    {
      'index.js':
        "module.exports = require('holdfast/ssh2')\n0 && (module.exports = { AgentProtocol, BaseAgent, Client, createAgent })\n",
    },
  )
  folder.write(
    'required.cjs',
    "const { Client, utils } = require('ssh2'); console.log(typeof new Client().stats, typeof utils.parseKey)",
  )
  folder.write(
    'imported.mjs',
    "import { Client, BaseAgent, createAgent } from 'ssh2'; import ssh2 from 'ssh2'; console.log(typeof new Client().stats, ssh2.Client === Client, typeof BaseAgent, typeof createAgent)",
  )
  const required = await runNode(['required.cjs'], { cwd: folder.path })
  assert.equal(required.stdout, 'function function\n', required.stderr)
  const imported = await runNode(['imported.mjs'], { cwd: folder.path })
  assert.equal(imported.stdout, 'function true function function\n', imported.stderr)
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { entries, makeProgramFolder, nodes, runNode } from './program-folder.js'

const folder = makeProgramFolder()

/** The code of a worker, of which no part depends on where it runs or on its environment. */
const inWorker = `const { parentPort } = require('node:worker_threads')
parentPort.postMessage(require(${JSON.stringify(`${folder.path}/served.cjs`)})(require(${JSON.stringify(`${folder.path}/node_modules/ssh2`)}).Client))`
const asModule = `import { createRequire } from 'node:module'
import { parentPort } from 'node:worker_threads'
const require = createRequire(${JSON.stringify(`${folder.path}/main.cjs`)})
parentPort.postMessage(require('./served.cjs')(require('ssh2').Client))`

/** Arguments of `new Worker()`, as a program writes them. */
const kinds = {
  'a file of CommonJS': "path.join(__dirname, 'worker.cjs')",
  'an ES module': "new URL('file://' + path.join(__dirname, 'worker.mjs'))",
  'a string': 'code, { eval: true }',
  'a module in its address': "new URL('data:text/javascript,' + encodeURIComponent(asModule))",
  'an environment of its own': "path.join(__dirname, 'worker.cjs'), { env: {} }",
  'a string, and an environment of its own': "code, { eval: true, env: { NODE_OPTIONS: '--no-warnings' } }",
  'the environment of the program': 'code, { eval: true, env: SHARE_ENV }',
  'flags of its own': "path.join(__dirname, 'worker.mjs'), { execArgv: [] }",
  'a string, and flags of its own': "code, { eval: true, execArgv: ['--no-warnings'] }",
  'a worker in a worker': 'nested, { eval: true }',
}

const main = `const path = require('node:path')
const { once } = require('node:events')
const { SHARE_ENV, Worker } = require('node:worker_threads')
const code = ${JSON.stringify(inWorker)}
const asModule = ${JSON.stringify(asModule)}
const nested = \`const { parentPort, Worker } = require('node:worker_threads')
new Worker(\${JSON.stringify(code)}, { eval: true }).on('message', (found) => parentPort.postMessage(found))\`
const kinds = [${Object.values(kinds)
  .map((args) => `() => new Worker(${args})`)
  .join(', ')}]
async function found(make) {
  const worker = make()
  const [message] = await once(worker, 'message')
  await worker.terminate()
  return [message, worker instanceof Worker]
}
Promise.all(kinds.map(found)).then((results) => console.log(JSON.stringify(results)))
`

before(() => {
  folder.installSsh2('node_modules')
  folder.write('worker.cjs', inWorker)
  folder.write('worker.mjs', asModule)
  folder.write('main.cjs', main)
})
after(() => folder.remove())

for (const node of nodes()) {
  describe(`workers on ${node} have Holdfast's client`, () => {
    const ways = {
      'in a program that names the CommonJS entry': { flags: ['--require', entries.commonJs] },
      'in one that names the ES module': { flags: ['--import', entries.module] },
      'in one with flags that no worker is given': {
        flags: ['--expose-gc', '--title=ours', '--import', entries.module],
      },
      'where NODE_OPTIONS names it': { flags: [], env: { NODE_OPTIONS: `--import "${entries.module}"` } },
    }
    for (const [name, { flags, ...rest }] of Object.entries(ways)) {
      test(`${name}, of every kind`, async () => {
        const { status, stdout, stderr } = await runNode([...flags, 'main.cjs'], { node, cwd: folder.path, ...rest })
        assert.equal(status, 0, stderr)
        const found = JSON.parse(stdout) as unknown[]
        const named = Object.fromEntries(Object.keys(kinds).map((kind, index) => [kind, found[index]]))
        assert.deepEqual(named, Object.fromEntries(Object.keys(kinds).map((kind) => [kind, [true, true]])))
      })
    }
  })
}

/** Ways to come by `Worker`, each the only one of its program. */
const origins = {
  'required.cjs': "const { Worker } = require('worker_threads')",
  'builtin.cjs': "const { Worker } = (process.getBuiltinModule ?? require)('worker_threads')",
  'imported.mjs': "import { Worker } from 'worker_threads'",
  'imported-later.mjs': "const { Worker } = await import('node:worker_threads')",
  'loaded-before.cjs': 'const { Worker } = before',
}

for (const node of nodes()) {
  test(`a worker is followed however the program comes by Worker, on ${node}`, async () => {
    folder.write('before.cjs', "globalThis.before = require('node:worker_threads')")
    for (const [name, origin] of Object.entries(origins)) {
      folder.write(
        name,
        `${origin}\nnew Worker(${JSON.stringify(inWorker)}, { eval: true, env: {} }).on('message', console.log)`,
      )
      const earlier = name === 'loaded-before.cjs' ? ['--require', './before.cjs'] : []
      const args = [...earlier, '--require', entries.commonJs, name]
      const { stdout, stderr } = await runNode(args, { node, cwd: folder.path })
      assert.equal(stdout, 'true\n', `${name}: ${stderr}`)
    }
  })
}

for (const node of nodes()) {
  test(`threads are told from the program by chdir(), which they are refused, on ${node}`, async () => {
    folder.write('hook.mjs', says('a thread of hooks'))
    folder.write('thread.mjs', says('a worker'))
    folder.write(
      'chdir.mjs',
      `${says('the program')}
import { register } from 'node:module'
import { Worker } from 'node:worker_threads'
register('./hook.mjs', import.meta.url)
new Worker(new URL('./thread.mjs', import.meta.url))`,
    )
    const { stdout } = await runNode(['--require', entries.commonJs, 'chdir.mjs'], { node, cwd: folder.path })
    assert.deepEqual(stdout.trim().split('\n').toSorted(), [
      'a thread of hooks: refused true, as it should be true',
      'a worker: refused true, as it should be true',
      'the program: refused false, as it should be true',
    ])
  })

  test(`what is no name of a module is refused as by Node itself, on ${node}`, async () => {
    folder.write(
      'no-name.cjs',
      `for (const id of [undefined, null, 7, {}])
  try { process.getBuiltinModule(id) } catch (error) { console.log(error.code, error.message) }
console.log(process.getBuiltinModule('no-such-module'))`,
    )
    const [own, ours] = await Promise.all(
      [[], ['--require', entries.commonJs]].map((flags) =>
        runNode([...flags, 'no-name.cjs'], { node, cwd: folder.path }),
      ),
    )
    assert.match(own?.stdout ?? '', /^ERR_INVALID_ARG_TYPE .*\n(.*\n){4}$/)
    assert.equal(ours?.stdout, own?.stdout)
  })
}

/**
 * A file that says whether it is refused chdir(), and whether the register serves where it runs: everywhere but in a thread
 * that Node says is its own, which Node 20 does not.
 */
function says(where: string): string {
  return `import { writeSync } from 'node:fs'
import * as threads from 'node:worker_threads'
const isServed = Symbol.for('holdfast:register') in globalThis
const isAsItShouldBe = isServed === (threads.isInternalThread !== true)
writeSync(1, \`${where}: refused \${process.chdir.disabled === true}, as it should be \${isAsItShouldBe}\\n\`)`
}

test('an error of flags that the program itself gave a worker stays as it is', async () => {
  const text = `const { Worker } = require('node:worker_threads')
try { new Worker('', { eval: true, execArgv: ['--title=worker'] }) } catch (error) { console.log(error.code, error.message) }`
  folder.write('wrong-flags.cjs', text)
  const { stdout } = await runNode(['--require', entries.commonJs, 'wrong-flags.cjs'], { cwd: folder.path })
  assert.equal(
    stdout.trim(),
    'ERR_WORKER_INVALID_EXEC_ARGV Initiated Worker with invalid execArgv flags: --title=worker',
  )
})

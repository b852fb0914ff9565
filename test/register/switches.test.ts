import assert from 'node:assert/strict'
import { chmodSync, cpSync, lstatSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startServer } from 'holdfast/testing'
import { entries, makeProgramFolder, ownFiles, runNode, whileReadOnly } from './program-folder.js'

const folder = makeProgramFolder()
const register = ['--require', entries.commonJs]

before(() => {
  folder.installSsh2('node_modules')
  folder.installSsh2('node_modules/dependent/node_modules')
  folder.installPackage(
    'node_modules/dependent',
    { name: 'dependent', main: 'main.cjs' },
    {
      'main.cjs': "exports.Client = require('ssh2').Client",
    },
  )
  folder.write('client.cjs', "console.log(JSON.stringify(require('./served.cjs')(require('ssh2').Client)))")
})
after(() => folder.remove())

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => runNode(args, { cwd: folder.path, env })

test('HOLDFAST=off switches it off, and leaves NODE_OPTIONS as they are', async () => {
  folder.write('off.cjs', "require('./client.cjs'); console.log(process.env.NODE_OPTIONS ?? 'none')")
  assert.equal((await run([...register, 'off.cjs'], { HOLDFAST: 'off' })).stdout, 'false\nnone\n')
  const { stdout } = await run(['--import', entries.module, 'off.cjs'], { HOLDFAST: 'off' })
  assert.equal(stdout, 'false\nnone\n')
})

test('HOLDFAST that is something else is named once, where ssh2 is loaded', async () => {
  folder.write('without.cjs', '')
  const env = { HOLDFAST: 'of' }
  const { stdout, stderr } = await run([...register, 'client.cjs'], env)
  assert.equal(stdout, 'true\n')
  assert.equal(stderr.match(/HoldfastWarning/g)?.length, 1, stderr)
  assert.match(stderr, /\[HOLDFAST_REGISTER\] HoldfastWarning: the value of HOLDFAST is not known: only off is/)
  assert.equal((await run([...register, 'client.cjs'], { HOLDFAST: '' })).stderr, '')
  assert.equal((await run([...register, 'without.cjs'], env)).stderr, '')
})

test('the transport is loaded once a Client is made, and not before', async () => {
  folder.write(
    'lazy.cjs',
    `const isLoaded = () => Object.keys(require.cache).some((file) => /[\\\\/]dist[\\\\/](ssh2|client)[\\\\/]/.test(file))
const seen = [isLoaded()]
const { Client, utils } = require('ssh2')
seen.push(isLoaded(), typeof Client, isLoaded())
const made = new Client()
seen.push(isLoaded())
console.log(JSON.stringify(seen))`,
  )
  const { stdout } = await run([...register, 'lazy.cjs'])
  assert.deepEqual(JSON.parse(stdout), [false, false, 'function', false, true])
})

describe('what is not ssh2 1.x', () => {
  const client = 'module.exports = class Client { whose() { return "own" } }'
  const versions = { older: '0.8.9', newer: '2.0.0' }
  before(() => {
    for (const [name, version] of Object.entries(versions)) {
      folder.installPackage(
        `node_modules/${name}`,
        { name, main: 'main.cjs' },
        {
          'main.cjs': "module.exports = require('ssh2')",
        },
      )
      const manifest = { name: 'ssh2', version, main: './lib/client.js' }
      folder.installPackage(`node_modules/${name}/node_modules/ssh2`, manifest, {
        'lib/client.js': client,
        'lib/index.js': "module.exports = { Client: require('./client.js') }",
      })
    }
    folder.installPackage(
      'node_modules/other',
      { name: '@electerm/ssh2', version: '1.16.0', main: 'lib/client.js' },
      {
        'lib/client.js': client,
      },
    )
  })

  for (const [name, version] of Object.entries(versions)) {
    test(`ssh2 ${version} is left alone, with one warning, beside one that is served`, async () => {
      folder.write(
        `${name}.cjs`,
        `const Own = require('${name}')
require('${name}/node_modules/ssh2/lib/index.js')
console.log(new Own().whose(), require('./served.cjs')(require('ssh2').Client))`,
      )
      const { stdout, stderr } = await run([...register, `${name}.cjs`])
      assert.equal(stdout, 'own true\n')
      const at = path.join(folder.path, 'node_modules', name, 'node_modules/ssh2')
      const warnings = stderr.split('\n').filter((line) => line.includes('HoldfastWarning'))
      assert.equal(warnings.length, 1, stderr)
      assert.ok(
        warnings[0]?.includes(`[HOLDFAST_REGISTER] HoldfastWarning: ssh2 ${version} in ${at} is left alone`),
        stderr,
      )
    })
  }

  test('another package, whatever it is made of, is left alone without a word', async () => {
    folder.write('other.cjs', "console.log(new (require('other'))().whose())")
    assert.deepEqual(await run([...register, 'other.cjs']), { status: 0, stdout: 'own\n', stderr: '' })
  })
})

describe('HOLDFAST_REGISTER=report', () => {
  const env = { HOLDFAST_REGISTER: 'report' }

  test('says at exit which copies were served, and to whom', async () => {
    const program = folder.write('reported.cjs', "require('dependent'); require('./client.cjs')")
    const { stdout, stderr } = await run([...register, 'reported.cjs'], env)
    assert.equal(stdout, 'true\n')
    const at = (name: string) => path.join(folder.path, name)
    assert.deepEqual(
      stderr.split('\n').map((line) => line.replace(/process \d+/, 'process N')),
      [
        `holdfast/register: process N, Node ${process.versions.node}, ${program}`,
        `  ssh2 1.17.0 in ${at('node_modules/dependent/node_modules/ssh2')} has Holdfast's client`,
        `    for ${at('node_modules/dependent/main.cjs')}`,
        `  ssh2 1.17.0 in ${at('node_modules/ssh2')} has Holdfast's client`,
        `    for ${at('client.cjs')}`,
        '',
      ],
    )
  })

  test('says of each host what a policy has to do with it', async (t) => {
    const server = await startServer({ users: { deploy: { password: 'secret' } } })
    t.after(() => server.close())
    folder.write(
      'connects.cjs',
      `const client = new (require('ssh2').Client)()
client.on('ready', () => client.end()).connect({ host: '127.0.0.1', port: ${server.port}, username: 'deploy', password: 'secret', keepaliveInterval: 60000 })`,
    )
    const policy = folder.write(
      'policy.json',
      '{ "enforced": {\n"keepalive": { "interval": "30s" },\n"limits": { "timeout": "1h", "reply": "1m" } } }',
    )
    chmodSync(policy, 0o644)
    const variables = { HOLDFAST_POLICY: policy, HOLDFAST_LIMITS_CLOSE: '20s' }
    const { status, stderr } = await run([...register, 'connects.cjs'], { ...env, ...variables })
    assert.equal(status, 0, stderr)
    const [, decisions = ''] = stderr.split(/^ {2}connects to /m)
    assert.deepEqual(decisions.split('\n'), [
      `127.0.0.1:${server.port}: policy of ${policy}`,
      `    keepalive.interval = 30000: enforced (${policy}:2)`,
      `    limits.reply = 15000: built-in, bound by ${policy}:3 to 60000`,
      '    limits.close = 20000: environment (HOLDFAST_LIMITS_CLOSE)',
      `    limits.timeout = 3600000: enforced (${policy}:3)`,
      '',
    ])
  })

  test('says it once a program connects, which may be killed later', async (t) => {
    const server = await startServer({ users: { deploy: { password: 'secret' } } })
    t.after(() => server.close())
    folder.write(
      'killed.cjs',
      `const client = new (require('ssh2').Client)()
client.on('ready', () => process.kill(process.pid, 'SIGKILL'))
client.connect({ host: '127.0.0.1', port: ${server.port}, username: 'deploy', password: 'secret' })`,
    )
    const { stderr } = await run([...register, 'killed.cjs'], { ...env, HOLDFAST_LIMITS_CLOSE: '20s' })
    assert.match(stderr, /has Holdfast's client\n[^]*limits\.close = 20000: environment \(HOLDFAST_LIMITS_CLOSE\)\n$/)
  })

  test('names a program of ES modules, or says that one asked where this Node does not tell', async () => {
    const program = folder.write('reported.mjs', "import 'ssh2'")
    const { stderr } = await run(['--import', entries.module, 'reported.mjs'], env)
    assert.match(stderr, /has Holdfast's client\n {4}for (.*)\n$/)
    assert.ok(stderr.includes(`for file://${program}`) || stderr.includes('for an ES module'), stderr)
  })

  test('says of a program without ssh2 that it has none', async () => {
    folder.write('none.cjs', '')
    assert.match(
      (await run([...register, 'none.cjs'], env)).stderr,
      /^holdfast\/register: .*\n {2}no ssh2 was loaded\n$/,
    )
  })
})

test('it serves a program whose folder nobody can write, and leaves nothing there', async () => {
  const states = () => ownFiles(folder.path).map((file) => `${file} ${lstatSync(file).mtimeMs} ${lstatSync(file).size}`)
  await whileReadOnly(folder.path, async () => {
    const found = states()
    assert.deepEqual(await run([...register, 'client.cjs']), { status: 0, stdout: 'true\n', stderr: '' })
    assert.deepEqual(states(), found)
  })
})

test('a Node that cannot load Holdfast has its ssh2 as it was, and one warning', async () => {
  folder.write('own-client.cjs', "console.log(require('ssh2').Client.toString().startsWith('class'))")
  const { stdout, stderr } = await run([...register, '--no-experimental-require-module', 'own-client.cjs'])
  assert.equal(stdout, 'true\n')
  assert.equal(stderr.match(/HoldfastWarning/g)?.length, 1, stderr)
  assert.match(stderr, /cannot load Holdfast: that takes 20\.19, 22\.12 or later/)
})

test('a program whose Holdfast is gone works on its own ssh2, with a warning', async () => {
  cpSync(path.dirname(entries.commonJs), path.join(folder.path, 'gone/register'), { recursive: true })
  folder.write('gone.cjs', "console.log(typeof new (require('ssh2').Client)().connect)")
  const { stdout, stderr } = await run(['--require', './gone/register/register.cjs', 'gone.cjs'])
  assert.equal(stdout, 'function\n', stderr)
  assert.match(stderr, /HoldfastWarning: ssh2 in .* works without Holdfast, and can hang: Holdfast cannot be loaded: /)
})

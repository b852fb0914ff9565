/** A program that loads ssh2 in some way, and writes whether each `Client` that it came by is Holdfast's, as JSON. */
export interface Way {
  readonly name: string
  readonly file: string
  readonly text: string
  /** Further flags of Node, behind those that load the register. */
  readonly flags?: readonly string[]
  /** Flags before those. */
  readonly flagsBefore?: readonly string[]
  /** What this takes of Node. */
  readonly from?: readonly [major: number, minor: number]
  readonly expected?: unknown
}

const commonJs = (body: string): string => `const served = require('./served.cjs'); ${body}`
const esModule = (head: string, body: string): string =>
  `import { createRequire } from 'node:module'; import served from './served.cjs'; ${head}\n${body}`
const print = (value: string): string => `console.log(JSON.stringify(${value}))`

/** As other tools register them for tracing: OpenTelemetry's, and one that hands Node the source of every file of CommonJS. */
export const loaders = {
  'tracing.mjs': `import { register } from 'node:module'
register('import-in-the-middle/hook.mjs', import.meta.url)`,
  'sources.mjs': `import { register } from 'node:module'
register('./sources-hook.mjs', import.meta.url)`,
  'sources-hook.mjs': `import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
export async function load(url, context, next) {
  const loaded = await next(url, context)
  return loaded.format === 'commonjs' ? { ...loaded, source: readFileSync(fileURLToPath(url)) } : loaded
}`,
}

const named = esModule("import { Client } from 'ssh2'", print('served(Client)'))

export const ways: readonly Way[] = [
  { name: 'require', file: 'require.cjs', text: commonJs(print("served(require('ssh2').Client)")) },
  { name: 'import of a name', file: 'named.mjs', text: named },
  {
    name: 'import of the default and of all',
    file: 'default.mjs',
    text: esModule(
      "import ssh2 from 'ssh2'; import * as all from 'ssh2'",
      print('served(ssh2.Client) && all.Client === ssh2.Client'),
    ),
  },
  {
    name: 'import()',
    file: 'dynamic.cjs',
    text: commonJs(`import('ssh2').then(({ Client }) => ${print('served(Client)')})`),
  },
  {
    name: 'createRequire',
    file: 'create-require.mjs',
    text: esModule('', print("served(createRequire(import.meta.url)('ssh2').Client)")),
  },
  {
    name: 'deep files and absolute paths',
    file: 'deep.cjs',
    text: commonJs(`const path = require('node:path')
const Client = require('ssh2/lib/client.js')
const again = require(path.join(__dirname, 'node_modules', 'ssh2', 'lib', 'client'))
${print("served(Client) && Client === again && Client === require('ssh2').Client")}`),
  },
  {
    name: 'a deep file, imported',
    file: 'deep.mjs',
    text: esModule("import Client from 'ssh2/lib/client.js'", print('served(Client)')),
  },
  {
    name: 'nested copies of CommonJS and ES modules, with one Client for all',
    file: 'nested.mjs',
    text: esModule(
      "import { Client } from 'ssh2'; import { Client as theirs } from 'dependent'; import { Client as imported } from 'dependent/module.mjs'",
      print(
        'served(theirs) && served(imported) && new theirs() instanceof Client && theirs === Client && imported === Client',
      ),
    ),
  },
  {
    name: 'a store of packages behind links, as of pnpm',
    file: 'store.cjs',
    text: commonJs(print("served(require('stored').Client)")),
  },
  {
    name: 'links that are kept',
    file: 'kept-links.cjs',
    text: commonJs(print("served(require('stored').Client)")),
    flags: ['--preserve-symlinks'],
  },
  {
    name: 'a class that extends it',
    file: 'extends.cjs',
    text: commonJs(`const { Client } = require('ssh2')
class Mine extends Client { hello() { return 'hello' } }
const mine = new Mine()
${print("mine instanceof Client && mine instanceof Mine && mine.hello() === 'hello' && typeof mine.connect === 'function' && mine.listenerCount('x') === 0")}`),
  },
  {
    name: 'what the class shows of itself',
    file: 'shows.cjs',
    text: commonJs(`const { EventEmitter } = require('node:events')
const { Client } = require('ssh2')
let thrown
try { Client() } catch (error) { thrown = error.message }
const made = new Client()
${print('[Client.name, Object.getPrototypeOf(Client) === EventEmitter, made.constructor === Client, typeof Client.prototype.exec, thrown, {} instanceof Client]')}`),
    expected: ['Client', true, true, 'function', "Class constructor Client cannot be invoked without 'new'", false],
  },
  {
    name: 'all else of ssh2 stays its own',
    file: 'own.cjs',
    text: commonJs(`const ssh2 = require('ssh2')
const { utils, Server, BaseAgent } = ssh2
${print("[Object.keys(ssh2).length, utils.parseKey === require('ssh2/lib/protocol/keyParser.js').parseKey, Server === require('ssh2/lib/server.js'), BaseAgent === require('ssh2/lib/agent.js').BaseAgent, Object.getOwnPropertyDescriptor(ssh2, 'Client').writable]")}`),
    expected: [11, true, true, true, true],
  },
  {
    name: 'a stub in its place, and back',
    file: 'stub.cjs',
    text: commonJs(`const ssh2 = require('ssh2')
const own = ssh2.Client
ssh2.Client = class { connect() { return 'stub' } }
const stubbed = new (require('ssh2').Client)().connect()
ssh2.Client = own
const { connect } = own.prototype
own.prototype.connect = () => 'patched'
const patched = new own().connect()
own.prototype.connect = connect
${print('[stubbed, patched, served(ssh2.Client)]')}`),
    expected: ['stub', 'patched', true],
  },
  {
    name: 'modules that are loaded anew',
    file: 'anew.cjs',
    text: commonJs(`const { Client } = require('ssh2')
for (const file of Object.keys(require.cache)) if (file.includes('ssh2')) delete require.cache[file]
${print("served(require('ssh2').Client) && require('ssh2').Client === Client")}`),
  },
  {
    name: "ssh2's own HTTPAgent",
    file: 'http-agent.cjs',
    text: commonJs(`const { HTTPAgent, Client } = require('ssh2')
Client.prototype.connect = function () { ${print('served(Client) && this instanceof Client')}; return this }
new HTTPAgent({}).createConnection({ host: 'host', port: 80 }, () => {})`),
  },
  {
    name: 'ssh2 that was loaded before',
    file: 'before.cjs',
    text: commonJs(print("served(require('ssh2').Client) && served(require('ssh2/lib/client.js'))")),
    flagsBefore: ['--require', 'ssh2'],
  },
  {
    name: "OpenTelemetry's loader before it",
    file: 'traced.mjs',
    text: named,
    flagsBefore: ['--import', './tracing.mjs'],
  },
  {
    name: "OpenTelemetry's loader behind it",
    file: 'tracing-behind.mjs',
    text: named,
    flags: ['--import', './tracing.mjs'],
  },
  {
    name: 'a loader that hands over the sources of CommonJS',
    file: 'sourced.mjs',
    text: named,
    flags: ['--import', './sources.mjs'],
    from: [22, 15],
  },
  {
    name: 'an ES module that is required',
    file: 'required.cjs',
    text: commonJs(print("served(require('dependent/module.mjs').Client)")),
  },
]

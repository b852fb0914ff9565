import { createRequire } from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { type Copy, isServed, type Ssh2File, ssh2FileOf } from './copies.cjs'
import type * as lazyClients from './lazy-client.cjs'
import type { ClientClass } from './lazy-client.cjs'
import { alreadyLoaded, isLoaded, onCompiled, onRequired, onResolved } from './modules.cjs'
import { absoluteWords, withRegister } from './node-options.cjs'
import type * as reports from './report.cjs'
import type * as workers from './workers.cjs'

const threads = 'node:worker_threads'

/** The clients that the copies of ssh2 came with, by the folder of the copy. */
const originals = new Map<string, unknown>()
const leftAlone = new Set<string>()
/** One for all copies: what one copy made is an `instanceof` the `Client` of another. */
let ours: ClientClass | undefined
let report: reports.Report | undefined
let followsWorkers = false

/** From here on, whoever loads ssh2 1.x in this process, its workers and its children gets Holdfast's client in it. */
export function start(file: string): void {
  process.execArgv.splice(0, Infinity, ...absoluteWords(process.execArgv, file))
  process.env['NODE_OPTIONS'] = withRegister(process.env['NODE_OPTIONS'], file)
  onCompiled(overlay)
  const seesImports = onResolved({ file: loadBeforeOthers, builtin: (address) => followThreads(address, file) })
  if (!seesImports || isLoaded('worker_threads') !== false) followThreads(threads, file)
  if (process.env['HOLDFAST_REGISTER'] === 'report') {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read here, since most processes of a machine do not need it
    const { Report } = require('./report.cjs') as typeof reports
    report = new Report()
    onRequired((exports, request, parent) => noteUser(exports, request, parent, seesImports))
  }
  for (const loaded of alreadyLoaded()) overlay(loaded)
}

/** Once somebody can make a worker: to load what makes them takes longer than all the rest here. */
function followThreads(address: string, file: string): void {
  if (address !== threads || followsWorkers) return
  followsWorkers = true
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read here, since most processes of a machine do not need it
  const { followWorkers } = require('./workers.cjs') as typeof workers
  followWorkers(file)
}

/** Changes what the program's own ssh2 exports, in place: all but its client stays as it is, its server and its agents too. */
function overlay(loaded: NodeJS.Module): void {
  const file = ssh2FileOf(loaded.filename)
  if (file === undefined) return
  const refusal = refusalOf(file, loaded.exports)
  if (refusal !== undefined) {
    leaveAlone(file.copy, refusal)
    return
  }
  if (file.part === 'client') loaded.exports = served(file.copy, loaded.exports)
  else Reflect.set(loaded.exports, 'Client', served(file.copy, Reflect.get(loaded.exports, 'Client')))
}

function served(copy: Copy, original: unknown): ClientClass {
  ours ??= makeClient()
  if (original !== ours) originals.set(copy.folder, original)
  report?.seen(copy, "has Holdfast's client")
  return ours
}

function makeClient(): ClientClass {
  warnOfSwitch()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read here, since most processes of a machine do not need it
  const { lazyClient } = require('./lazy-client.cjs') as typeof lazyClients
  report?.followConnections()
  return lazyClient(loadClient)
}

/** Whoever mistypes it believes that this program is left alone. Empty, it says nothing, as where a script hands on what is not set. */
function warnOfSwitch(): void {
  if (['off', '', undefined].includes(process.env['HOLDFAST'])) return
  warn("the value of HOLDFAST is not known: only off is, and without it ssh2 has Holdfast's client")
}

function refusalOf({ copy, part }: Ssh2File, exports: unknown): string | undefined {
  if (!isServed(copy)) return 'only versions 1.x of ssh2 have a client as that of Holdfast'
  if (!process.features.require_module) {
    return `Node ${process.versions.node} cannot load Holdfast: that takes 20.19, 22.12 or later, without --no-experimental-require-module`
  }
  const isAsExpected = part === 'client' ? typeof exports === 'function' : typeof exports === 'object'
  return isAsExpected && exports !== null ? undefined : 'it does not export what ssh2 1.x does'
}

function leaveAlone(copy: Copy, reason: string): void {
  if (leftAlone.has(copy.folder)) return
  leftAlone.add(copy.folder)
  report?.seen(copy, `was left alone: ${reason}`)
  warn(`ssh2 ${copy.version} in ${copy.folder} is left alone, and can hang: ${reason}`)
}

/** By Node's own way, so that whoever imports it meets it loaded: a loader may have given its source, which is not compiled as others are. */
function loadBeforeOthers(filename: string, importer: string | undefined): void {
  const file = ssh2FileOf(filename)
  if (file === undefined) return
  try {
    if (isServed(file.copy)) createRequire(filename)(filename)
  } catch {
    // Whoever imports it is told.
  }
  report?.usedBy(file.copy, importer ?? 'the command line')
}

/** Of ssh2 itself it is given all, for what Holdfast leaves to it. A program whose Holdfast is gone or broken works as without it. */
function loadClient(): ClientClass {
  const [folder = '', original] = [...originals][0] ?? []
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was the class of what is overlaid
  const own = original as ClientClass
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is the module of that name
    const ssh2 = require('../ssh2/index.js') as { Client: ClientClass; useOriginal(exports: object): void }
    const exports: unknown = createRequire(path.join(folder, 'package.json'))('./lib/index.js')
    ssh2.useOriginal(Object.assign({}, exports, { Client: own }))
    return ssh2.Client
  } catch (error) {
    warn(`ssh2 in ${folder} works without Holdfast, and can hang: Holdfast cannot be loaded: ${String(error)}`)
    return own
  }
}

/** For the report: who has one of the copies that are served. */
function noteUser(exports: unknown, request: string, parent: NodeJS.Module | undefined, seesImports: boolean): void {
  if (
    ours === undefined ||
    (exports !== ours && !(exports instanceof Object && Reflect.get(exports, 'Client') === ours))
  )
    return
  const importer = parent?.filename ?? undefined
  if (importer === undefined && seesImports) return
  const copy = ssh2FileOf(importer === undefined ? request : createRequire(importer).resolve(request))?.copy
  if (copy === undefined || importer?.startsWith(copy.folder + path.sep) === true) return
  report?.usedBy(copy, importer ?? 'an ES module')
}

function warn(text: string): void {
  process.emitWarning(text, { type: 'HoldfastWarning', code: 'HOLDFAST_REGISTER' })
}

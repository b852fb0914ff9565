// Each folder of src imports only from itself and from the folders above it: the order in which a byte comes in.
//
//   node scripts/lint-layers.mjs [folder that stands for src]
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

const layers = [
  'error-table.ts',
  'errors.ts',
  'diagnostics.ts',
  'liveness',
  'wire',
  'transport',
  'kex',
  'keys',
  'auth',
  'connection',
  'socket',
  'session',
  'sftp',
  'scp',
  'publickey',
  'forward',
  'client',
  'ssh2',
  'ext-ssh2',
  'register',
  'testing',
  'cli',
]
/** The public face, which imports what it offers. */
const faces = new Set(['index.ts'])

const src = path.resolve(process.argv[2] ?? 'src')
const wrong = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.[cm]?ts$/.test(file) && !faces.has(file))
  .flatMap(check)
for (const line of wrong) console.error(line)
if (wrong.length > 0) process.exitCode = 1

function check(/** @type {string} */ file) {
  const own = layerOf(file)
  if (own === -1) return [`${file}: is in no layer; give its folder a place in scripts/lint-layers.mjs`]
  return imports(file)
    .map(({ line, specifier }) => ({ line, specifier, fault: fault(file, own, specifier) }))
    .filter((found) => found.fault !== undefined)
    .map((found) => `${file}:${found.line}: imports ${found.specifier}: ${found.fault}`)
}

function imports(/** @type {string} */ file) {
  const text = readFileSync(path.join(src, file), 'utf8')
  // What the formatter leaves of import, export … from, import() and import type.
  const pattern = /(?:^import|\bfrom|\bimport\(|\brequire\()\s*'([^']+)'/gm
  return [...text.matchAll(pattern)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    specifier: match[1] ?? '',
  }))
}

function fault(/** @type {string} */ file, /** @type {number} */ own, /** @type {string} */ specifier) {
  if (specifier.startsWith('#') || specifier === 'holdfast') return 'inside src imports are relative'
  if (!specifier.startsWith('.')) return undefined
  const target = path.relative(src, path.resolve(src, path.dirname(file), specifier)).replace(/\.([cm]?)js$/, '.$1ts')
  if (target.startsWith('..')) return 'it leaves src'
  if (faces.has(target)) return 'the public face is for users of the package'
  const other = layerOf(target)
  if (other === -1) return 'it is in no layer'
  return other > own ? `${layers[other]} is a layer below ${layers[own]}` : undefined
}

function layerOf(/** @type {string} */ file) {
  return layers.indexOf(file.split(path.sep)[0] ?? '')
}

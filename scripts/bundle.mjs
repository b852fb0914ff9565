// Joins the modules of a package that is about to be published, in place: `node scripts/bundle.mjs [folder]`. A process that
// imports 300 files spends 200 ms of processor time on finding, opening and linking them, and a quarter of it on a dozen.
import { rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const root = path.resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)))
const dist = path.join(root, 'dist')

/** What package.json names, and the program of a thread, which must lie beside the chunk that starts it. */
const entries = {
  index: 'index.ts',
  'ssh2/index': 'ssh2/index.ts',
  'ext-ssh2/index': 'ext-ssh2/index.ts',
  'testing/index': 'testing/index.ts',
  'cli/main': 'cli/main.ts',
  'chunks/off-thread-worker': 'keys/off-thread-worker.ts',
}

const { output } = await build({
  cwd: root,
  input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, path.join(root, 'src', file)])),
  platform: 'node',
  tsconfig: false,
  resolve: { extensionAlias: { '.js': ['.ts'] } },
  transform: { target: 'es2022', inject: { Buffer: ['node:buffer', 'Buffer'] } },
  external: [/^node:/, /^[@a-z]/],
  output: {
    dir: dist,
    format: 'esm',
    sourcemap: true,
    minify: false,
    entryFileNames: '[name].js',
    // In a folder one below dist, as the modules were: some name files of the package relative to themselves.
    chunkFileNames: 'chunks/[name]-[hash].js',
  },
  logLevel: 'warn',
})

const written = new Set(output.map(({ fileName }) => path.join(dist, fileName)))
for (const file of await readdir(dist, { recursive: true })) {
  const name = path.join(dist, file)
  if (/\.js(\.map)?$/.test(name) && !written.has(name)) rmSync(name)
}

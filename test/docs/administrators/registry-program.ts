/**
 * A registry of npm that has this package and what it depends on, as they are here. Argument: the folder with their archives.
 * It listens on port 4873 and says so.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import process from 'node:process'

const address = 'http://127.0.0.1:4873'
const [, , folder = ''] = process.argv

interface Manifest {
  readonly name: string
  readonly version: string
}

/** By the path at which npm asks for it. */
const answers = new Map<string, Buffer>()
for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
  const archive = readFileSync(path.join(folder, file))
  const manifest = JSON.parse(readFileSync(path.join(folder, `${file}.json`), 'utf8')) as Manifest
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`
  const dist = { tarball: `${address}/${file}`, integrity }
  const about = {
    name: manifest.name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, dist } },
  }
  answers.set(`/${manifest.name}`, Buffer.from(JSON.stringify(about)))
  answers.set(`/${file}`, archive)
}

const server = createServer((request, response) => {
  const answer = answers.get(decodeURIComponent(request.url ?? ''))
  if (answer === undefined) response.writeHead(404).end()
  else response.end(answer)
})
server.listen(4873, '127.0.0.1')
await once(server, 'listening')
console.log('listening')

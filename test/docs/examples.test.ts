import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServer, type TestServer } from 'holdfast/testing'
import { parsePrivateKey } from '#src/keys/private-key-file.js'
import { LocalShell } from '#src/testing/local-shell.js'
import { folderScp } from '../scp/folder-scp.js'
import { folderServer } from '../sftp/folder-server.js'
import { buildExamples, examplesOf, pagesWithExamples, redirected, runExample } from './examples.js'

// Inside the package: from there `holdfast` is found by its own name.
const folder = (name: string): string => fileURLToPath(new URL(`../../examples-${name}`, import.meta.url))

const page = '# Page\n\n```js\none()\n```\n\n```sh\nnpm ci\n```\n\n```ts fragment\nx: 1\n```\n\n```ts\ntwo()\n```\n'

test('an example is a block of js or ts that is not marked as a fragment', () => {
  assert.deepEqual(examplesOf('page.md', page), [
    { place: 'page.md:3', language: 'js', code: 'one()\n' },
    { place: 'page.md:15', language: 'ts', code: 'two()\n' },
  ])
})

test('an example is pointed at the embedded server, whatever host it names', () => {
  const cases = [
    ["connect('deploy@host')", "connect('deploy@127.0.0.1:9')"],
    ["connect('deploy@db.example.com:22', {})", "connect('deploy@127.0.0.1:9', {})"],
    ["connect('ssh://deploy@host:22')", "connect('ssh://deploy@127.0.0.1:9')"],
    ["{ host: 'host', port: 22, username: 'x' }", "{ host: '127.0.0.1', port: 9, username: 'x' }"],
    ["ssh2_connect('host', 22, null)", "ssh2_connect('127.0.0.1', 9, null)"],
    ["{ host: '127.0.0.1', port: server.port }", "{ host: '127.0.0.1', port: server.port }"],
    ["'chacha20-poly1305@openssh.com'", "'chacha20-poly1305@openssh.com'"],
  ] as const
  for (const [code, expected] of cases) assert.equal(redirected(code, 9), expected)
})

/** Connects to a host and says where its home is. */
const program = (host: string): string => `
import { once } from 'node:events'
import { connect } from 'node:net'
import { HoldfastError } from 'holdfast'

const socket = connect({ host: '${host}', port: 22 })
await once(socket, 'connect')
console.log(process.env.HOME, HoldfastError.name)
socket.end()
`

describe('a page', () => {
  test('has its examples run against the server', async (t) => {
    const server = createServer((socket) => socket.resume().end()).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const examples = examplesOf(
      'page.md',
      `\`\`\`js${program('host')}\`\`\`\n\`\`\`ts${program('db.example.com')}\`\`\`\n`,
    )
    assert.equal(examples.length, 2)
    for (const file of await buildExamples(folder('run'), examples, port)) {
      assert.deepEqual(await runExample(file, '/home/deploy'), { status: 0, output: '/home/deploy HoldfastError\n' })
    }
  })

  test('fails with an example that throws', async () => {
    const examples = examplesOf('page.md', '```js\nawait Promise.reject(new Error("no such host"))\n```\n')
    const [file = ''] = await buildExamples(folder('throws'), examples, 9)
    const { status, output } = await runExample(file, '/home/deploy')
    assert.equal(status, 1)
    assert.match(output, /no such host/)
  })

  test('fails with an example that does not fit the types, and says where it stands', async () => {
    const examples = examplesOf('page.md', "\n```ts\nimport { conect } from 'holdfast'\n```\n")
    await assert.rejects(buildExamples(folder('typo'), examples, 9), /page-md-2\.mts\(1,10\).*conect/)
  })
})

/** The user `deploy`, as the examples know him. */
const password = 'correct horse'

/** A home with a key to log in with, by which the server is known. */
async function makeHome(): Promise<{ home: string; server: TestServer; shell: LocalShell }> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const { publicKey } = await parsePrivateKey(pem, { source: 'id_ed25519' })
  const authorizedKeys = [`${publicKey.type} ${publicKey.blob.toString('base64')}`]
  const home = mkdtempSync(path.join(tmpdir(), 'holdfast-home-'))
  const shell = new LocalShell({})
  const server = await startServer({
    users: { deploy: { password, authorizedKeys } },
    exec: folderScp(home, (session) => shell.run(session)),
    forwarding: true,
    subsystems: { sftp: folderServer(home) },
  })
  mkdirSync(path.join(home, '.ssh'), { mode: 0o700 })
  writeFileSync(path.join(home, '.ssh', 'id_ed25519'), pem, { mode: 0o600 })
  writeFileSync(path.join(home, '.ssh', 'known_hosts'), `${server.hostKey.knownHostsLine}\n`)
  return { home, server, shell }
}

test('every example of README.md and docs/ runs as it stands there', async (t) => {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const examples = pagesWithExamples(root).flatMap((file) =>
    examplesOf(file, readFileSync(path.join(root, file), 'utf8')),
  )
  assert.ok(examples.length >= 7, `only ${examples.length} examples were found`)
  const { home, server, shell } = await makeHome()
  t.after(async () => {
    await Promise.all([server.close(), shell.close()])
    rmSync(home, { recursive: true, force: true })
  })

  const built = await buildExamples(folder('pages'), examples, server.port)
  const waiting = examples.map(({ place }, index) => ({ place, file: built[index] ?? '' }))
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { file, place } = next
      await t.test(place, async () => {
        const { status, output } = await runExample(file, home, { DEPLOY_PASSWORD: password })
        assert.equal(status, 0, output)
      })
    }
  }
  await Promise.all([worker(), worker()])
})

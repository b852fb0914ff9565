import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildExamples, examplesOf, redirected, runExample } from './examples.js'

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

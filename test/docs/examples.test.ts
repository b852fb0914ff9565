import assert from 'node:assert/strict'
import { test } from 'node:test'
import { examplesOf, redirected } from './examples.js'

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

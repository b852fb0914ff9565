import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServer, type TestServer } from 'holdfast/testing'

const main = fileURLToPath(new URL('../../demo/main.js', import.meta.url))
const home = mkdtempSync(path.join(tmpdir(), 'holdfast-demo-'))
const key = path.join(home, 'key.pem')

/** Runs it to its own end, with a home of its own and no terminal. */
async function start(...args: string[]) {
  const env = { ...process.env, HOME: home, USERPROFILE: home, SSH_AUTH_SOCK: undefined }
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}

describe('npm start -- user@host command', () => {
  let server: TestServer

  before(async () => {
    mkdirSync(path.join(home, '.ssh'))
    const { privateKey } = generateKeyPairSync('ed25519')
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    server = await startServer({
      authenticate: ({ username, method }) => (username === 'deploy' && method === 'publickey' ? 'accept' : 'refuse'),
      shell: true,
    })
  })
  after(async () => {
    await server.close()
    rmSync(home, { recursive: true })
  })
  beforeEach(() => {
    writeFileSync(path.join(home, '.ssh/known_hosts'), `${server.hostKey.knownHostsLine}\n`)
  })

  const target = () => `deploy@127.0.0.1:${server.port}`

  test('gives the output and the exit code of the command, and tells on stderr what it knows', async () => {
    const { code, stdout, stderr } = await start('-i', key, target(), 'printf "\\033[1mbold\\n"; echo oops >&2; exit 3')
    assert.equal(code, 3, stderr)
    assert.equal(stdout, '\u001b[1mbold\n')
    assert.match(stderr, /keys exchanged, host key trusted/)
    assert.match(stderr, /authenticated: Holdfast_testing, .*dead after 60 s of silence/s)
    assert.match(stderr, /^oops$/m)
    assert.match(stderr, /exit code 3/)
    assert.doesNotMatch(stderr, /[^\P{Cc}\n]/u)
  })

  test('refuses a host that it does not know, and says how to accept it', async () => {
    writeFileSync(path.join(home, '.ssh/known_hosts'), '')
    const { code, stdout, stderr } = await start('-i', key, target(), 'true')
    assert.equal(code, 255)
    assert.equal(stdout, '')
    const words = stderr.replaceAll(/\s+/g, ' ')
    assert.ok(words.includes('ERR_SSH_HOST_KEY_UNKNOWN'), words)
    assert.ok(words.includes(server.hostKey.fingerprint), words)
    assert.match(words, /hint: .*--fingerprint SHA256:….*--accept-new/)
    assert.doesNotMatch(stderr, /^\s+at /m)

    const accepted = await start('-i', key, '--fingerprint', server.hostKey.fingerprint, target(), 'true')
    assert.equal(accepted.code, 0, accepted.stderr)
    assert.equal((await start('-i', key, '--accept-new', target(), 'true')).code, 0)
    assert.equal((await start('-i', key, target(), 'true')).code, 0, 'it was not added to known_hosts')
  })

  test('ends a command at its limit, on the server too', async () => {
    const { code, stderr } = await start('-i', key, '--timeout', '500ms', target(), 'sleep 30000')
    assert.equal(code, 255)
    assert.match(stderr, /ERR_SSH_TIMEOUT/)
    assert.deepEqual(server.processes(), [])
  })

  test('says what is wrong with its arguments, and how they go', async () => {
    for (const args of [['host'], ['--nonsense', 'host', 'true'], ['-i', key, '--timeout', 'soon', target(), 'true']]) {
      const { code, stderr } = await start(...args)
      assert.equal(code, 255)
      assert.match(stderr, /usage: npm start|ERR_SSH_OPTION/)
      assert.doesNotMatch(stderr, /^\s+at /m)
    }
    const help = await start('--help')
    assert.equal(help.code, 0)
    assert.match(help.stdout, /usage: npm start/)
  })
})

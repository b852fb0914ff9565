import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect, HoldfastError, type HostKeyOptions } from 'holdfast'
import { startServer, type TestServer } from 'holdfast/testing'

const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-trust-'))
const file = path.join(directory, 'known_hosts')

function codeOf(error: unknown): string {
  return error instanceof HoldfastError ? error.code : String(error)
}

const yes = () => true

describe('trust in a host key', () => {
  const started: TestServer[] = []

  before(async () => {
    started.push(await startServer({ users: { deploy: { password: 'secret' } }, exec: () => 0 }))
  })
  after(async () => {
    await Promise.all(started.map((one) => one.close()))
    rmSync(directory, { recursive: true })
  })

  function server(): TestServer {
    const [only] = started
    assert.ok(only)
    return only
  }

  /** What becomes of a connection: `accepted`, or the code of the error. */
  async function outcome(known: string, hostKey: HostKeyOptions): Promise<string> {
    writeFileSync(file, known)
    const { host, port } = server()
    try {
      const options = { password: 'secret', hostKey: { knownHosts: [file], ...hostKey } }
      const ssh = await connect(`deploy@${host}:${port}`, options)
      await ssh.close()
      return 'accepted'
    } catch (error) {
      return codeOf(error)
    }
  }

  const line = () => `${server().hostKey.knownHostsLine}\n`
  const revoked = () => `@revoked ${line()}`

  test('a key that was revoked is refused, whoever else accepts it', async () => {
    const fingerprints = [server().hostKey.fingerprint]
    for (const hostKey of [{}, { fingerprints }, { verify: yes }, { verify: yes, policy: 'off' as const }]) {
      assert.equal(await outcome(revoked(), hostKey), 'ERR_SSH_HOST_KEY_REVOKED')
    }
    assert.equal(await outcome(revoked(), { policy: 'off' }), 'accepted')
  })

  test('fingerprints accept their key and no other', async () => {
    assert.equal(await outcome('', { fingerprints: [server().hostKey.fingerprint] }), 'accepted')
    const another = `SHA256:${'A'.repeat(43)}`
    assert.equal(await outcome(line(), { fingerprints: [another] }), 'ERR_SSH_HOST_KEY_REJECTED')
  })

  test('verify is told what the files say, and accepts by true alone', async () => {
    const verdicts: string[] = []
    const verify = ({ verdict }: { verdict: string }) => verdicts.push(verdict) > 0
    assert.equal(await outcome(line(), { verify }), 'accepted')
    assert.equal(await outcome('', { verify }), 'accepted')
    assert.deepEqual(verdicts, ['known', 'unknown'])
    const careless = { verify: (() => 'yes') as unknown as () => boolean }
    assert.equal(await outcome(line(), careless), 'ERR_SSH_HOST_KEY_REJECTED')
  })

  test('strict refuses what no file has, accept-new learns it, and neither takes another key', async () => {
    assert.equal(await outcome('', {}), 'ERR_SSH_HOST_KEY_UNKNOWN')
    assert.equal(await outcome('', { policy: 'accept-new' }), 'accepted')
    const other = await startServer({ users: { deploy: { password: 'secret' } }, exec: () => 0 })
    const changed = `[127.0.0.1]:${server().port} ${other.hostKey.knownHostsLine.split(' ').slice(1).join(' ')}\n`
    await other.close()
    assert.equal(await outcome(changed, {}), 'ERR_SSH_HOST_KEY_CHANGED')
    assert.equal(await outcome(changed, { policy: 'accept-new' }), 'ERR_SSH_HOST_KEY_CHANGED')
  })

  test('a line that cannot be understood is told to whoever misses the host', async () => {
    writeFileSync(file, `@revokd ${line()}`)
    const { host, port } = server()
    const attempt = connect(`deploy@${host}:${port}`, { password: 'secret', hostKey: { knownHosts: [file] } })
    await assert.rejects(attempt, (error) => {
      assert.equal(codeOf(error), 'ERR_SSH_HOST_KEY_UNKNOWN')
      assert.match(String(error), /known_hosts:1: the marker @revokd is neither/)
      return true
    })
  })
})

for (const host of ['a.example,bank.example', '*', 'x\n* ssh-ed25519', '!a', '|1|a|b', '@revoked', 'a b', '[a]']) {
  test(`${JSON.stringify(host)} is no host, and never a line of known_hosts`, async () => {
    const attempt = connect({ host, hostKey: { policy: 'accept-new', knownHosts: [file] } })
    await assert.rejects(attempt, { code: 'ERR_SSH_OPTION', message: /host must be a host name or an address/ })
  })
}

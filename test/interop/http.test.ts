import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { callbackify } from 'node:util'
import type { Client, HoldfastError, Tunnel, TunnelTarget } from 'holdfast'
import { SocksProxyAgent } from 'socks-proxy-agent'
import { closed } from '../forward/local-servers.js'
import { signalConnections } from '../promises/support/signals.js'
import { everyAvailability, skipReason } from '../servers/availability.js'
import { type NginxServer, prepareNginx, startNginx } from '../servers/nginx.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { bytesUntilHeldUp } from './held-up.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 60_000

const skip = skipReason(await everyAvailability([prepareNginx(), prepareSshd('9.2'), prepareSshd('10')]))
const longText = 'x'.repeat(40_000_000)

type Done = (error: Error | null, stream: Duplex) => void

/** Makes each connection of an agent a tunnel. */
function tunnelling<T extends http.Agent>(agent: T, ssh: Client, secure?: tls.ConnectionOptions) {
  const tunnels: Tunnel[] = []
  const open = callbackify(async (to: TunnelTarget) => {
    const tunnel = await ssh.connectTo(to, { allowHalfOpen: false })
    tunnels.push(tunnel)
    return secure === undefined ? tunnel : tls.connect({ ...secure, socket: tunnel })
  })
  agent.createConnection = ({ host, port }, done) => {
    open({ host: String(host), port: Number(port) }, done as Done)
    return undefined
  }
  return { agent, tunnels }
}

function keeping(t: TestContext, ssh: Client) {
  const made = tunnelling(new http.Agent({ keepAlive: true }), ssh)
  t.after(() => made.agent.destroy())
  return made
}

async function read(request: http.ClientRequest): Promise<string> {
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return text(response)
}

describe('HTTP through a tunnel to nginx', { skip }, () => {
  let server: NginxServer
  before(async () => {
    server = await startNginx({ 'index.html': 'hello', 'long.txt': longText })
  })
  after(() => server.stop())

  const get = (path: string, agent: http.Agent): http.ClientRequest =>
    http.get({ host: server.host, port: server.port, path, agent })

  for (const version of ['9.2', '10'] as const) {
    test(`makes requests on one tunnel that is kept, by way of OpenSSH ${version}`, { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const { agent, tunnels } = keeping(t, ssh)
      for (let count = 0; count < 5; count++) assert.equal(await read(get('/', agent)), 'hello')
      assert.equal(tunnels.length, 1)
      const all = await Promise.all(Array.from({ length: 20 }, () => read(get('/', agent))))
      assert.deepEqual(new Set(all), new Set(['hello']))
      agent.destroy()
      for (const tunnel of tunnels) await closed(tunnel)
      while (ssh.stats().channels.length > 0) await ssh.keepalive.send()
    })
  }

  test('speaks HTTPS inside the tunnel, with the certificate checked', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const ask = async (servername: string): Promise<string> => {
      const secure = { ca: server.certificate, servername }
      const { agent } = tunnelling(new https.Agent({ keepAlive: true }), ssh, secure)
      t.after(() => agent.destroy())
      return read(https.get({ host: server.host, port: server.securePort, path: '/', agent }))
    }
    assert.equal(await ask('localhost'), 'hello')
    await assert.rejects(ask('other'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  test('fetches no more of an answer than is read', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { agent, tunnels } = keeping(t, ssh)
    const [response] = (await once(get('/long.txt', agent), 'response')) as [http.IncomingMessage]
    const [tunnel] = tunnels
    assert.ok(tunnel !== undefined)
    const came = await bytesUntilHeldUp(tunnel)
    assert.ok(came < 4_000_000, `${came} bytes came while nobody read`)
    assert.equal((await text(response)).length, longText.length)
  })

  test('drops a kept tunnel that the server has ended, and makes another', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { agent, tunnels } = keeping(t, ssh)
    assert.equal(await read(get('/', agent)), 'hello')
    const [first] = tunnels
    assert.ok(first !== undefined)
    await closed(first)
    assert.deepEqual([first.errored, Object.keys(agent.freeSockets)], [null, []])
    assert.equal(await read(get('/', agent)), 'hello')
    assert.equal(tunnels.length, 2)
  })

  test('fails at once, the answer too that is being read, when the SSH server goes silent', { timeout }, async (t) => {
    const gate = await sshd(t, { version: '10' })
    const ssh = await login(t, gate, { keepalive: { interval: 300, countMax: 2 } })
    const { agent } = keeping(t, ssh)
    const request = get('/long.txt', agent)
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    const failed = once(request, 'error')
    await signalConnections(gate, 'SIGSTOP')
    const asked = assert.rejects(read(get('/', agent)), { code: 'ERR_SSH_PEER_DEAD' })
    await assert.rejects(text(response), { code: 'ECONNRESET' })
    await asked
    assert.deepEqual(await failed, [await ssh.closed])
    await assert.rejects(read(get('/', agent)), { code: 'ERR_SSH_PEER_DEAD' })
  })

  test('goes through SOCKS, with names that the server looks up', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const forward = await ssh.forwardDynamic()
    const { host, port } = forward.address
    const failures: HoldfastError[] = []
    forward.on('failure', (error) => failures.push(error))
    for (const scheme of ['socks4a', 'socks5', 'socks5h']) {
      const agent = new SocksProxyAgent(`${scheme}://${host}:${port}`)
      const request = http.get({ host: 'localhost', family: 4, port: server.port, path: '/', agent })
      assert.equal(await read(request), 'hello', scheme)
    }
    const agent = new SocksProxyAgent(`socks5h://${host}:${port}`)
    await assert.rejects(read(http.get({ host: 'nowhere.invalid', agent })), /Socks5 proxy rejected/)
    assert.equal(failures.length, 1)
  })
})

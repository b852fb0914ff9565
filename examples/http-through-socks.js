// Fetches a page as the SSH server sees it: through a SOCKS proxy on this machine, whose connections the server makes.
//
//   SSH_PASSWORD=… node examples/http-through-socks.js user@host http://inner.example/
import http from 'node:http'
import https from 'node:https'
import process from 'node:process'
import { pipeline } from 'node:stream/promises'
import { connect } from 'holdfast'
import { SocksProxyAgent } from 'socks-proxy-agent'

const [target = 'localhost', page = 'http://localhost/'] = process.argv.slice(2)

/** @returns {Promise<http.IncomingMessage>} */
function get(/** @type {string} */ url, /** @type {http.Agent} */ agent) {
  const scheme = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => scheme.get(url, { agent }, resolve).on('error', reject))
}

const ssh = await connect(target, { password: process.env['SSH_PASSWORD'] })
try {
  const proxy = await ssh.forwardDynamic({ idleTimeout: '1m' })
  proxy.on('failure', (error) => console.error(error.message))
  // socks5h: the server looks names up, and knows those of its own network.
  const agent = new SocksProxyAgent(`socks5h://${proxy.address.host}:${proxy.address.port}`)
  const response = await get(page, agent)
  console.error(`${response.statusCode} ${response.statusMessage}`)
  await pipeline(response, process.stdout, { end: false })
} finally {
  await ssh.close()
}

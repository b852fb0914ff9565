/** Programs in the manner of those that nobody can edit: not one of them sets a limit, a keepalive, or knows of Holdfast. */
export interface LegacyProgram {
  readonly name: string
  readonly file: string
  readonly text: string
}

/** Where each of them learns of the server and tells how far it is; `frozen()` comes back once the server is frozen. */
export const stage = `const { once } = require('node:events')
const { host = '127.0.0.1', port } = JSON.parse(process.env.SERVER)
exports.config = { host, port, username: 'deploy', password: 'secret' }
exports.frozen = async () => {
  console.log('ready')
  await once(process.stdin, 'data')
}
exports.settled = (what) => {
  console.log('settled', what instanceof Error ? 'by an error' : 'otherwise')
  process.exit(0)
}
`

const commonJs = "const { config, frozen, settled } = require('./stage.cjs')\n"
const esModule =
  "import { once } from 'node:events'\nimport stage from './stage.cjs'\nconst { config, frozen, settled } = stage\n"
const ready = `const { once } = require('node:events')
const { Client } = require('ssh2')
const client = new Client().on('error', () => {})
client.connect(config)
`

export const legacyPrograms: readonly LegacyProgram[] = [
  {
    name: 'node-ssh: connect',
    file: 'connect.cjs',
    text: `${commonJs}const { NodeSSH } = require('node-ssh')
frozen().then(() => new NodeSSH().connect({ ...config, readyTimeout: 0 })).then(settled, settled)`,
  },
  {
    name: 'node-ssh: execCommand',
    file: 'exec-command.cjs',
    text: `${commonJs}const { NodeSSH } = require('node-ssh')
const ssh = new NodeSSH()
ssh.connect(config).then(frozen).then(() => ssh.execCommand('uptime')).then(settled, settled)`,
  },
  {
    name: 'ssh2: exec',
    file: 'exec.cjs',
    text: `${commonJs}${ready}once(client, 'ready').then(frozen).then(() => client.exec('uptime', settled))`,
  },
  {
    name: 'ssh2: a command that runs',
    file: 'running.mjs',
    text: `${esModule}import { Client } from 'ssh2'
const client = new Client().on('error', () => {})
client.connect(config)
await once(client, 'ready')
client.exec('run', async (error, stream) => {
  if (error) throw error
  stream.on('close', () => settled()).resume()
  stream.stderr.resume()
  await frozen()
})`,
  },
  {
    name: 'ssh2: end, beside a command that runs',
    file: 'end.cjs',
    text: `${commonJs}${ready}client.on('ready', () => client.exec('run', async (error, stream) => {
  if (error) throw error
  stream.resume()
  await frozen()
  client.on('close', () => settled()).end()
}))`,
  },
  {
    name: 'ssh2-sftp-client: list',
    file: 'list.cjs',
    text: `${commonJs}const Sftp = require('ssh2-sftp-client')
const sftp = new Sftp()
sftp.connect(config).then(frozen).then(() => sftp.list('/')).then(settled, settled)`,
  },
  {
    name: 'ssh2-sftp-client: put',
    file: 'put.mjs',
    text: `${esModule}import Sftp from 'ssh2-sftp-client'
const sftp = new Sftp()
await sftp.connect(config)
await frozen()
sftp.put(Buffer.alloc(3_000_000), '/file').then(settled, settled)`,
  },
  {
    name: 'ssh2-sftp-client: end',
    file: 'sftp-end.cjs',
    text: `${commonJs}const Sftp = require('ssh2-sftp-client')
const sftp = new Sftp()
sftp.connect(config).then(frozen).then(() => sftp.end()).then(settled, settled)`,
  },
  {
    name: 'tunnel-ssh: a connection through a tunnel',
    file: 'tunnel.cjs',
    text: `${commonJs}const { connect } = require('node:net')
const { createTunnel } = require('tunnel-ssh')
const to = { srcAddr: '127.0.0.1', srcPort: 0, dstAddr: '127.0.0.1', dstPort: config.port }
createTunnel({ autoClose: false, reconnectOnError: false }, { port: 0, host: '127.0.0.1' }, config, to).then(([server, client]) => {
  server.on('error', () => {})
  client.on('error', () => {})
  const socket = connect(server.address().port, '127.0.0.1').on('error', () => {})
  // The greeting of an SSH server, through the tunnel.
  socket.once('data', async () => {
    socket.on('close', () => settled()).resume()
    await frozen()
    client.exec('uptime', () => {})
  })
})`,
  },
  {
    name: 'ssh2: a remote forward with a connection',
    file: 'forward-in.mjs',
    text: `${esModule}import { connect } from 'node:net'
import ssh2 from 'ssh2'
class Forwarder extends ssh2.Client {}
const client = new Forwarder().on('error', () => {})
client.connect(config)
await once(client, 'ready')
client.on('tcp connection', async (details, accept) => {
  accept().on('close', () => settled()).resume()
  await frozen()
})
client.forwardIn('127.0.0.1', 0, (error, port) => {
  if (error) throw error
  connect(port, '127.0.0.1').on('error', () => {})
})`,
  },
]

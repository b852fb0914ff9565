// Runs one command on many hosts, 10 at a time. A host that fails or hangs costs its own time-out and holds up nobody else.
//
//   SSH_PASSWORD=… node examples/many-hosts.js hosts.txt [command] [at once]     one user@host[:port] a line
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { connect, HoldfastError } from 'holdfast'

const [file = 'hosts.txt', command = 'uptime', atOnce = '10'] = process.argv.slice(2)
const hosts = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
const password = process.env['SSH_PASSWORD']

async function runOn(/** @type {string} */ host) {
  const ssh = await connect(host, { password, limits: { connect: '10s' } })
  try {
    const { stdout } = await ssh.exec(command, { timeout: '30s', check: true })
    return stdout.trimEnd()
  } finally {
    await ssh.close()
  }
}

// All workers take from the same iterator, so each host is taken once.
const waiting = hosts.values()
async function work() {
  for (const host of waiting) {
    try {
      console.log(`${host}: ${await runOn(host)}`)
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      console.error(`${host}: ${error.message}`)
      process.exitCode = 1
    }
  }
}
await Promise.all(Array.from({ length: Number(atOnce) }, work))

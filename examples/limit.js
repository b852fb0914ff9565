// Runs a command that takes far too long, under a limit that ends it, on the server too.
//
//   SSH_PASSWORD=… node examples/limit.js user@host [limit] [command]
import process from 'node:process'
import { CommandError, connect } from 'holdfast'

const [target = 'localhost', timeout = '15s', command = '/usr/bin/sleep 30000'] = process.argv.slice(2)

const ssh = await connect(target, { password: process.env['SSH_PASSWORD'] })
try {
  const { exitCode } = await ssh.exec(command, { timeout })
  console.log(`ended by itself with exit code ${exitCode}`)
} catch (error) {
  if (!(error instanceof CommandError)) throw error
  console.log(`${error.code}: limit ${error.limit}, returned after ${(error.durationMs / 1000).toFixed(2)} s`)
  console.log(`remote command ${error.remote}: ${error.ending.detail}`)
} finally {
  await ssh.close()
}

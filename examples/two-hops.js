// Runs a command on a host that is reached through two others.
//
//   SSH_PASSWORD=… node examples/two-hops.js user@near user@middle user@target [command]
import process from 'node:process'
import { connect, HoldfastError } from 'holdfast'

const [near = 'localhost', middle = 'localhost', target = 'localhost', command = 'uptime'] = process.argv.slice(2)
const password = process.env['SSH_PASSWORD']

try {
  const gate = await connect(near, { password })
  try {
    // Two connections share the gate, which stays open when the inner one ends.
    const inner = await connect(middle, { password, proxyJump: gate })
    const ssh = await connect(target, { password, proxyJump: inner })
    const { stdout } = await ssh.exec(command, { timeout: '15s' })
    process.stdout.write(stdout)
    await ssh.close()
    await inner.close()
  } finally {
    await gate.close()
  }
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error
  console.error(`${error.hop ?? error.host ?? ''} failed (${error.phase}): ${error.message}`)
  process.exitCode = 1
}

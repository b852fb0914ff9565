// Follows a log for ever, whatever becomes of the connection: it goes on at the byte where it was.
//
//   SSH_PASSWORD=… node examples/follow-log.js user@host /var/log/syslog
import { once } from 'node:events'
import process from 'node:process'
import { connect } from 'holdfast'

const [target = 'localhost', file = '/var/log/syslog'] = process.argv.slice(2)

const ssh = await connect(target, {
  password: process.env['SSH_PASSWORD'],
  reconnect: { maxTime: false },
  // Calls wait for the connection as long as it takes.
  limits: { reconnect: false },
})
ssh.on('reconnecting', ({ cause, attempt, delayMs }) => {
  console.error(`${cause.message}: attempt ${attempt} in ${(delayMs / 1000).toFixed(1)} s`)
})

async function size() {
  const sftp = await ssh.sftp()
  const stats = await sftp.stat(file)
  await sftp.close()
  return stats.size
}

/** Shows what comes, from that byte on. Returns where it was when the connection was lost. */
async function follow(/** @type {number} */ from) {
  let shown = from
  try {
    // Smaller than before: it was begun anew.
    if ((await size()) < shown) shown = 0
    // A command is one string, for the user's shell.
    const tail = await ssh.spawn(`exec tail -F -c +${shown + 1} -- '${file.replaceAll("'", String.raw`'\''`)}'`)
    tail.stderr.on('data', (/** @type {Buffer} */ chunk) => process.stderr.write(chunk))
    for await (const chunk of /** @type {AsyncIterable<Buffer>} */ (tail.stdout)) {
      shown += chunk.length
      if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
    }
    throw new Error(`tail ended with exit code ${(await tail.exited).exitCode}`)
  } catch (error) {
    if (ssh.state !== 'reconnecting') throw error
    return shown
  }
}

try {
  let shown = await size()
  console.error(`from byte ${shown} on`)
  for (;;) shown = await follow(shown)
} finally {
  await ssh.close()
}

// Connects with a password, then asks the server again and again whether it is there, as often as the keepalive would.
//
//   SSH_PASSWORD=… node examples/keepalive.js user@host [interval] [times]
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'holdfast'

const [target = 'localhost', interval = '30s', times = 'Infinity'] = process.argv.slice(2)

const ssh = await connect(target, {
  password: process.env['SSH_PASSWORD'],
  keepalive: { interval, wantReply: true },
})
try {
  for (let time = 1; time <= Number(times); time++) {
    // Rejects once the server does not answer, within a bound; nothing here can hang.
    const { rttMs, nextMs } = await ssh.keepalive.send()
    if (nextMs === null) break // only with `interval: false`, which sends nothing by itself
    console.log(`answered in ${rttMs.toFixed(1)} ms; asks again in ${(nextMs / 1000).toFixed(1)} s`)
    await sleep(nextMs)
  }
} finally {
  await ssh.close()
}

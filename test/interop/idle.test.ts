import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'

const watchedMs = 1000

for (const version of ['9.2', '10'] as const) {
  const availability = await prepareSshd(version)
  const skip = availability.available ? false : availability.reason

  describe(`an idle connection to sshd ${version}`, { skip, timeout: 60_000 }, () => {
    test('sends nothing between its probes', async (t) => {
      const server = await sshd(t, { version })
      const stream = net.connect(server.port, server.host)
      await once(stream, 'connect')
      const ssh = await login(t, server, { stream })
      const { nextMs } = await ssh.keepalive.send()
      // It asks by itself at its own place in the interval, which may be soon: then the next probe is an interval away.
      if (nextMs !== null && nextMs < watchedMs + 500) await pause(nextMs + 500)
      await pause(200)
      const before = stream.bytesWritten
      await pause(watchedMs)
      assert.equal(stream.bytesWritten - before, 0)
    })
  })
}

/** npm ssh2, as a careful program uses it. */
import { spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { onLines, type PeerClient, PeerEvents, type PeerTarget, peerProcess } from './peer.js'
import type { DriverAccount, DriverLine, DriverOrder } from './ssh2-driver.js'

const driver = fileURLToPath(new URL('./ssh2-driver.js', import.meta.url))

/** What its documentation offers against dead peers, at the lab's pace. */
const sensible = { keepaliveInterval: 1000, keepaliveCountMax: 3, readyTimeout: 10_000 }

export function ssh2Client(t: TestContext): PeerClient {
  return {
    name: 'npm ssh2',
    start(target, job, settings = {}, inside = []) {
      const child = spawn('env', [...inside, process.execPath, driver], { stdio: ['pipe', 'pipe', 'inherit'] })
      const events = new PeerEvents()
      onLines(child.stdout, (line) => {
        const { event, text, settles } = JSON.parse(line) as DriverLine
        events.add(event, text, settles)
      })
      child.once('close', () => events.add('close', 'its process ended', true))
      const send = (order: DriverOrder): void => void child.stdin.write(`${JSON.stringify(order)}\n`)
      const way = [...(target.jumps ?? []), target].map(accountOn)
      send({ way, job, settings: { ...sensible, ...settings } })
      return peerProcess(t, child, events, (step) => send(step))
    },
  }
}

function accountOn({ host, port, username, clientKeys, password }: PeerTarget): DriverAccount {
  const key = clientKeys?.ed25519.privateKey
  return { host, port, username, ...(key === undefined ? { password } : { key }) }
}

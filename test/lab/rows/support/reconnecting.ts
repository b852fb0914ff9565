/** What the rows about reconnecting have in common. */
import type { TestContext } from 'node:test'
import type { Client, ConnectOptions, ReconnectAttempt } from 'holdfast'
import type { ReferenceServer } from '../../../servers/reference-server.js'
import { login } from '../../../session/sshd.js'
import type { Watch } from '../../row.js'
import { follow, keepalive, slackMs } from './scene.js'

/** Delays between attempts. */
export const reconnect = { minDelay: '100ms', maxDelay: '1s' } as const
const maxDelayMs = 1000

/** From when the server can be reached until the client is connected again: one delay, one login. */
export const backWithinMs = maxDelayMs + slackMs

/** An attempt that finds nobody is over soon, and a call waits for as long as there are attempts. */
const limits = { tcp: '1s', connect: '3s', reconnect: false } as const

export interface Reconnecting {
  readonly ssh: Client
  readonly attempts: readonly ReconnectAttempt[]
  /** Resolves when it is connected again: how long from then on that took, in milliseconds. */
  readonly back: () => Promise<number>
}

export async function reconnecting(
  t: TestContext,
  server: ReferenceServer,
  watch: Watch,
  options: ConnectOptions = {},
): Promise<Reconnecting> {
  const ssh = await login(t, server, { keepalive, reconnect, limits, ...options })
  follow(ssh, watch)
  const attempts: ReconnectAttempt[] = []
  ssh.on('reconnecting', (attempt) => {
    attempts.push(attempt)
    watch.event(`attempt ${attempt.attempt}: ${attempt.cause.code}`)
  })
  ssh.on('reconnected', () => watch.event('connected again'))
  const back = (): Promise<number> => {
    const since = performance.now()
    return new Promise((resolve) => ssh.once('reconnected', () => resolve(performance.now() - since)))
  }
  return { ssh, attempts, back }
}

/** Why others are not beside it. */
export const peers = {
  ssh2: 'does not connect again by itself',
  openssh: 'ends with its connection: autossh starts another one, and knows nothing of what ran',
} as const

/** Notes that it is there again. @param since from when on the milliseconds count */
export function noteBack(watch: Watch, ms: number, since: string): void {
  watch.outcome({ kind: 'kept', ms, text: `connected again ${(ms / 1000).toFixed(1)} s after ${since}` })
}

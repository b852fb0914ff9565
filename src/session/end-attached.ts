import type { SessionPort } from './port.js'
import type { Attached } from './sessions.js'

/** What the end of a subsystem needs of the client. */
export interface EndHost {
  readonly port: Pick<SessionPort, 'waits'>
  /** The limit `channelClose`, in milliseconds. */
  readonly closeLimitMs: number
}

/** Ends a subsystem in order, for at most as long as a channel may take to close; then by force. Never rejects. */
export async function endAttached({ session, exited }: Attached, host: EndHost, what: string): Promise<void> {
  const ended = exited.then(ignore, ignore)
  session.stdin.end()
  await untilDone(ended, host, what).catch((error: unknown) => session.fail(error))
  await ended
}

/**
 * Waits for what the server is to do at an end, however that turns out, for no longer than a channel may take to close.
 * @throws HoldfastError ERR_SSH_TIMEOUT (limit `channelClose`), why the connection ended
 */
export async function untilDone(work: Promise<void>, { port, closeLimitMs }: EndHost, what: string): Promise<void> {
  const limitMs = closeLimitMs
  const wait = port.waits.start<void>({ limit: 'channelClose', limitMs, clock: 'reply', phase: 'close', what })
  wait.sent()
  work.then(
    () => wait.resolve(),
    () => wait.resolve(),
  )
  await wait.promise
}

function ignore(): void {}

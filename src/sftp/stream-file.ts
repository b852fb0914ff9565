import type { RemoteFile } from './remote-file.js'
import type { SftpSession } from './sftp-session.js'

/** What a stream must hear of although it asks for nothing. */
export type Watched = Pick<SftpSession, 'onAbort' | 'onEnd'>

/** Where a stream has its file from, and what is to be done with it in the end. */
export interface StreamFile {
  readonly path: string
  readonly session: Watched
  open(): Promise<RemoteFile>
  close(): Promise<void>
}

/** A file that a stream opens for itself. */
export function ownFile(path: string, session: Watched, open: () => Promise<RemoteFile>): StreamFile {
  let opened: RemoteFile | undefined
  return {
    path,
    session,
    open: async () => (opened = await open()),
    close: async () => opened?.close(),
  }
}

/** The callback by which Node's streams hear that something is done, or failed. */
export type Done = (error?: Error | null) => void

/** The way from a promise to such a callback. */
export async function tell(done: Done, work: Promise<void>): Promise<void> {
  done(await work.then(() => null, asError))
}

/** The end of a stream. A failure is told at once: a server that answers nothing is not waited for twice. */
export async function tellEnd(done: Done, closed: Promise<void>, failure: Error | null): Promise<void> {
  closed.catch(() => {})
  if (failure === null) await tell(done, closed)
  else done(failure)
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

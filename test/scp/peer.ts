/** A server whose scp does what a test says. */
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { Client } from 'holdfast'
import type { CommandEnd, ServerSession } from 'holdfast/testing'
import { client, server } from '../promises/support/embedded.js'

/** What a remote scp says and hears; its exit code is what comes of it. */
export interface Peer {
  readonly command: string
  readonly say: (bytes: string | Buffer) => Promise<void>
  /** Waits for so many bytes; fewer where the client ends, or a signal comes. */
  readonly hear: (bytes: number) => Promise<Buffer>
  /** Does nothing more, until a signal ends it or the session is over. */
  readonly frozen: () => Promise<CommandEnd>
  /** The same, and no signal ends it. */
  readonly stubborn: () => Promise<CommandEnd>
}

export type Part = (peer: Peer) => Promise<CommandEnd>

export interface World {
  readonly ssh: Client
  readonly at: (name: string) => string
  /** All that is in the folder of `at` and around it. */
  readonly listing: () => Promise<readonly string[]>
  /** How the client ran scp. */
  readonly commands: readonly string[]
}

/** A client of such a server, and a folder `own` for it within another, of which nothing else may be touched. */
export async function world(t: TestContext, part: Part): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-scp-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await mkdir(path.join(folder, 'own'))
  const commands: string[] = []
  const target = await server(t, {
    exec: async (session) => {
      commands.push(session.command ?? '')
      return part(peerOf(session))
    },
  })
  return {
    ssh: await client(t, target),
    at: (name) => path.join(folder, 'own', name),
    listing: async () => (await readdir(folder, { recursive: true })).toSorted(),
    commands,
  }
}

function peerOf(session: ServerSession): Peer {
  const { command = '', stdin, stdout, signal } = session
  const input = stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest: Buffer = Buffer.alloc(0)
  const signalled = new Promise<{ done: true; value: undefined }>((resolve) => {
    session.once('signal', () => resolve({ done: true, value: undefined }))
  })
  return {
    command,
    say: (bytes) =>
      new Promise((resolve) => {
        if (stdout.destroyed) resolve()
        else stdout.write(bytes, () => resolve())
      }),
    hear: async (bytes) => {
      while (rest.length < bytes) {
        const next = await Promise.race([input.next(), signalled])
        if (next.done === true) break
        rest = Buffer.concat([rest, next.value])
      }
      const heard = rest.subarray(0, bytes)
      rest = rest.subarray(heard.length)
      return heard
    },
    frozen: () =>
      new Promise((resolve) => {
        if (signal.aborted) resolve(null)
        else signal.addEventListener('abort', () => resolve(null), { once: true })
        session.once('signal', (name) => resolve({ signal: name }))
      }),
    stubborn: async () => {
      if (!signal.aborted) await once(signal, 'abort')
      return null
    },
  }
}

/** Gives all of this as it is, whatever the client says to it. */
export function gives(...pieces: readonly (string | Buffer)[]): Part {
  return async ({ say }) => {
    for (const piece of pieces) await say(piece)
    return 0
  }
}

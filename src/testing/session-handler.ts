import type { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { TerminalSize } from '../wire/session-messages.js'

export type { TerminalSize } from '../wire/session-messages.js'

export interface SessionEvents {
  /** The client sent a signal: its name without SIG, `TERM` (RFC 4254 section 6.9). */
  signal: [name: string]
  /** The client's terminal has another size: `pty` says which. */
  resize: [size: TerminalSize]
}

/** A session that a client opened and in which it has started something (RFC 4254 section 6). */
export interface ServerSession extends EventEmitter<SessionEvents> {
  readonly username: string
  /** What was asked for: the text of the `exec` request, the name of a subsystem, undefined for a shell. */
  readonly command: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** The terminal that the client asked for; undefined where it asked for none. */
  readonly pty: (TerminalSize & { readonly term: string }) | undefined
  /** What the client sends. It may send more once this is read: an unread stream holds the client up. */
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Aborted when the client closed the session, or the connection ended, before the handler was done. */
  readonly signal: AbortSignal
  /** The ports of the connection, as SSH_CONNECTION tells them to a command. */
  readonly connection: { readonly clientPort: number; readonly serverPort: number }
  /**
   * Tells the client the end of the command now, while its output stays open until the handler is done, as it is with
   * a command that leaves a child behind. What the handler returns is then no longer told.
   */
  exit(end: CommandEnd): void
}

/**
 * How a command ended: its exit code, the signal that killed it (without SIG), or null for a session that is closed
 * without a word of it.
 */
export type CommandEnd = number | { readonly signal: string } | null

/**
 * Runs what a client started. Once it is done and its output is sent, the session is closed; nothing returned is exit
 * code 0. What it throws is written to `stderr`, and the exit code is 255.
 */
export type SessionHandler = (session: ServerSession) => CommandEnd | void | Promise<CommandEnd | void>

import type { Stage } from './stage.js'

/** One of the clients that are compared. */
export interface Lane {
  readonly name: string
  /** What it is, and the options it is given. */
  readonly options: string
  /** @param note tells what it comes to know on the way, without being asked */
  connect(stage: Stage, note: (text: string) => void): Promise<LaneSession>
}

/**
 * A connection of one lane. Its promises resolve when the library tells the program something, good or bad, with the
 * words that it has for it. They never reject.
 */
export interface LaneSession {
  /** That the connection is over, however it learns of it. */
  readonly lost: Promise<string>
  /** Runs a command; gives its output. */
  run(command: string): Promise<string>
  /** Runs a command that may not take longer than this. */
  runLimited(command: string, limitMs: number): Promise<string>
  /** The call that does it, as a program writes it. */
  readonly closeCall: string
  /** Ends the connection, in the way that the library's manual gives for it. */
  close(): Promise<string>
}

import { freePort } from './port.js'

/** Where a server runs, and how its clients reach it. */
export interface Place {
  /** The address at which clients find its servers. */
  readonly host: string
  /** The address on which servers listen there. */
  readonly listenOn: string
  /** Words that run the command after them there; none where the test itself runs. */
  readonly enter: readonly string[]
  /** A port on which nobody listens there now. */
  freePort(): Promise<number>
}

export const thisMachine: Place = { host: '127.0.0.1', listenOn: '127.0.0.1', enter: [], freePort }

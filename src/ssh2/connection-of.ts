import type { Link } from '../client/link.js'
import type { Connection } from '../connection/connection.js'

/** A link that failed early has no connection. */
export function connectionOf(link: Link): Connection | undefined {
  try {
    return link.connection
  } catch {
    return undefined
  }
}

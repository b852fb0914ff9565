import { sessionsOn } from '../client/line.js'
import type { Link } from '../client/link.js'
import type { Sessions } from '../session/sessions.js'

const known = new WeakMap<Link, Sessions>()

/** Those of Holdfast's own kind on a connection: they share what is known of its sessions. */
export function sessionsFor(link: Link): Sessions {
  const sessions = known.get(link) ?? sessionsOn(link.connection, link.settings, () => link)
  known.set(link, sessions)
  return sessions
}

import type { ForwardPort } from '../../forward/port.js'
import { nodeEnvironment } from '../node-environment.js'
import type { Timing } from '../timing.js'
import type { Span } from './span.js'

/** For forwards, which outlast a connection: they wait with the client, and open their channels on the connection that there is. */
export function standingPort({ waits, deadlines }: Timing, span: () => Span): ForwardPort {
  return {
    waits,
    deadlines,
    get isAway() {
      return span().isAway
    },
    get awayFor() {
      return span().awayFor
    },
    get channels() {
      return span().channels
    },
    get cause() {
      return span().cause
    },
    now: () => nodeEnvironment.now(),
    errorDetails: () => span().errorDetails(),
    open: (...opening) => span().open(...opening),
    globalRequest: (...request) => span().globalRequest(...request),
  }
}

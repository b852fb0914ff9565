import { HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'

/** What the scp of a server says that it could not do, in its own words. */
export class ScpError extends HoldfastError {
  /** What the call was for: a path of the server. */
  readonly path: string

  constructor(message: string, path: string) {
    const said = message === '' ? 'it did not say why' : printable(message, 300)
    super('ERR_SSH_SCP_FAILURE', `scp '${printable(path, 200)}': ${said}`, { phase: 'command' })
    this.path = path
  }
}

/** Nothing that comes can be trusted any more. */
export function scpProtocolError(problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_SCP_PROTOCOL', `SCP: ${problem}`, { phase: 'command' })
}

export function scpNameError(name: string, problem: string): HoldfastError {
  const message = `the server gives a file the name '${printable(name, 100)}', which ${problem}`
  return new HoldfastError('ERR_SSH_SCP_NAME', message, { phase: 'command' })
}

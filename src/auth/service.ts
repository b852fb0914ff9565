import { HoldfastError } from '../errors.js'
import { messageNumber } from '../wire/numbers.js'
import { decodeServiceAccept, encodeServiceRequest } from '../wire/transport-messages.js'
import type { Exchange } from './exchange.js'
import { userauthService } from './port.js'

/** Asks for the authentication service (RFC 4253 section 10), or only waits for it when the request went out already. */
export function requestService(exchange: Exchange, alreadySent: boolean): Promise<void> {
  return exchange.ask({
    payload: alreadySent ? undefined : encodeServiceRequest(userauthService),
    what: 'the answer to the service request',
    answers: new Map([[messageNumber.SERVICE_ACCEPT, checkServiceAccept]]),
  })
}

function checkServiceAccept(payload: Buffer): void {
  const service = decodeServiceAccept(payload)
  if (service === userauthService) return
  const message = `SERVICE_ACCEPT: service name is ${service}, where ${userauthService} was asked for`
  throw new HoldfastError('ERR_SSH_PROTOCOL', message, { phase: 'authentication' })
}

import net from 'node:net'
import type { Duplex } from 'node:stream'
import { setTcpKeepalive, tcpValues } from '../../socket/tcp-keepalive.js'
import type { LinkSettings } from '../settings.js'
import { policyError } from './file.js'
import { canonicalNames } from './host-names.js'

/**
 * What is enforced of sockets holds for one that the program opened itself too. Of any other stream nothing can be known.
 * @throws HoldfastError ERR_SSH_POLICY where it is bound to another address; one that is still connecting is destroyed then
 */
export function holdToPolicy(stream: Duplex, { policy, keepalive }: LinkSettings): void {
  if (policy === undefined || !(stream instanceof net.Socket)) return
  if (policy.enforced.has('keepalive.tcp')) setTcpKeepalive(stream, tcpValues(keepalive.tcp))
  const { value: address, source = '' } = policy.enforced.get('socket.localAddress') ?? {}
  if (typeof address !== 'string') return
  const check = (): Error | undefined => wrongAddress(stream, address, source)
  if (stream.connecting) {
    stream.once('connect', () => {
      const error = check()
      if (error !== undefined) stream.destroy(error)
    })
    return
  }
  const error = check()
  if (error !== undefined) throw error
}

/** A socket of the local machine has no address. */
function wrongAddress({ localAddress }: net.Socket, wanted: string, source: string): Error | undefined {
  if (localAddress === undefined) return undefined
  const forms = canonicalNames([wanted])
  if (canonicalNames([localAddress]).some((form) => forms.includes(form))) return undefined
  return policyError(`the stream is bound to ${localAddress}, and ${source} allows ${wanted} alone`)
}

import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { optionError } from './option-checks.js'

/**
 * Listens on a loopback address.
 * @param port 0 for any that is free
 * @throws HoldfastError ERR_SSH_OPTION where this machine does not let us have the port
 */
export async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw optionError('port', `is ${port}, on which ${host} does not let us listen: ${String(cause)}`)
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw optionError('host', 'has no TCP address')
  return address
}

/** Stops listening. Resolves once the last connection of the server is closed, which its owner sees to. */
export async function closed(server: Server): Promise<void> {
  if (!server.listening) return
  const done = once(server, 'close')
  server.close()
  await done
}

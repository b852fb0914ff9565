import type { Client } from './client.js'
import { letGoOfUntaken } from './given-streams.js'
import { openClient } from './jump.js'
import type { ConnectOptions } from './options.js'
import { gatherOptions } from './settings.js'

/**
 * Connects to an SSH server and authenticates.
 *
 * @param target `[user@]host[:port]`, an `ssh://` URL, or the options alone
 * @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_CONFIG, ERR_SSH_UNSUPPORTED, ERR_SSH_DNS, ERR_SSH_CONNECT, ERR_SSH_IDENTIFICATION, ERR_SSH_NEGOTIATION,
 *   ERR_SSH_HOST_KEY_…, ERR_SSH_AUTHENTICATION, ERR_SSH_KEY, ERR_SSH_PASSPHRASE, ERR_SSH_TIMEOUT with the `limit` that
 *   was reached, ERR_SSH_ABORTED. Nothing is left open then.
 */
export async function connect(target: string | ConnectOptions, options?: ConnectOptions): Promise<Client> {
  try {
    return await openClient(gatherOptions(target, options))
  } catch (error) {
    for (const given of [target, options]) letGoOfUntaken(given)
    throw error
  }
}

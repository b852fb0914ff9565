import { discardUnheard, isDuplex } from '../socket/stream.js'
import type { Client } from './client.js'
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
  const given: unknown = options?.stream ?? (typeof target === 'string' ? undefined : target?.stream)
  // No connection takes over one that has ended before.
  const isRefused = isDuplex(given) && given.writableEnded
  try {
    return await openClient(gatherOptions(target, options))
  } catch (error) {
    letGo(given, isRefused)
    throw error
  }
}

/**
 * A stream that the program gave is ours from the call on, also where its options were wrong and no connection took it over.
 * One that has ended since is a connection's, which is still saying goodbye on it.
 */
function letGo(stream: unknown, isRefused: boolean): void {
  if (isDuplex(stream) && (isRefused || !stream.writableEnded)) discardUnheard(stream)
}

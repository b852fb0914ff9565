import { HoldfastError } from '../errors.js'
import { hashHostName } from './known-hosts.js'
import type { PublicKey } from './public-key.js'

/**
 * A line for a known_hosts file, without a line end.
 * @param name as `knownHostsName` gives it
 * @param salt 20 random bytes to hide the name with, or undefined to write it as it is
 */
export function encodeKnownHostsLine(name: string, key: PublicKey, salt: Buffer | undefined): string {
  if (/[\s\p{Cc},*?!|#@]/u.test(name)) {
    throw new HoldfastError('ERR_SSH_KNOWN_HOSTS', 'the host name would mean something else in a known_hosts file')
  }
  const hosts = salt === undefined ? name : `|1|${base64(salt)}|${base64(hashHostName(name, salt))}`
  return `${hosts} ${key.plainType} ${base64(key.plainBlob)}`
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}

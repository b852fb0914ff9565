import { fromOriginal } from './original.js'
import { parseKey } from './parsed-key.js'
import { flagsToString, OPEN_MODE, STATUS_CODE, stringToFlags } from './sftp-values.js'

/** Makes keys: ssh2 itself does, where it is installed. */
function callOriginal(name: string, args: readonly unknown[]): unknown {
  const utils = fromOriginal('utils')
  const method: unknown = typeof utils === 'object' && utils !== null ? Reflect.get(utils, name) : undefined
  if (typeof method !== 'function') throw new Error(`the package ssh2 that is installed has no utils.${name}`)
  return Reflect.apply(method, utils, args)
}

export interface GeneratedKeyPair {
  readonly private: string
  readonly public: string
}

export const utils = {
  parseKey,
  generateKeyPair(...args: readonly unknown[]): void {
    callOriginal('generateKeyPair', args)
  },
  generateKeyPairSync(...args: readonly unknown[]): GeneratedKeyPair {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what ssh2 says that it gives
    return callOriginal('generateKeyPairSync', args) as GeneratedKeyPair
  },
  sftp: { flagsToString, OPEN_MODE, STATUS_CODE, stringToFlags },
}

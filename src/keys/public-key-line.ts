import { keyError } from './key-reader.js'
import { type KeyRules, safeKeys } from './key-types/key-type.js'
import { keyTypes, plainName } from './key-types/registry.js'
import { type PublicKey, parsePublicKey } from './public-key.js'

export interface PublicKeyLine {
  readonly key: PublicKey
  readonly comment: string
  /** Of a line of authorized_keys, as they stand there. */
  readonly options: string
}

/**
 * Reads the line of a `.pub` file or of authorized_keys: `[options] type base64 [comment]`.
 * @param what where the line comes from, as errors are to show it
 * @throws HoldfastError ERR_SSH_KEY
 */
export function parsePublicKeyLine(text: string, what = 'public key', rules: KeyRules = safeKeys): PublicKeyLine {
  const line = text.trim()
  const optionsLength = lengthOfOptions(line)
  const [type = '', base64 = '', ...comment] = line
    .slice(optionsLength)
    .trim()
    .split(/[ \t]+/)
  if (type === 'ssh-dss') throw keyError(what, 'is a DSA key, which is no longer supported; make an ed25519 key')
  if (!isKnownType(type)) throw keyError(what, 'begins with no known key type')
  return {
    key: parseTypedKey(type, base64, what, rules),
    comment: comment.join(' '),
    options: line.slice(0, optionsLength),
  }
}

/** The two words of a key in a line: the type, and the base64 of the blob, which names its type once more. */
export function parseTypedKey(type: string, base64: string, what: string, rules: KeyRules = safeKeys): PublicKey {
  const key = parsePublicKey(decodeBase64(base64, what), what, rules)
  if (key.type !== type) throw keyError(what, `is said to be ${type}, but is ${key.type}`)
  return key
}

/** Strict where Buffer.from is not: what is no base64 it skips or ends at, without a word. */
export function decodeBase64(text: string, what: string): Buffer {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw keyError(what, 'is not valid base64')
  return Buffer.from(text, 'base64')
}

function isKnownType(type: string): boolean {
  return keyTypes.has(plainName(type))
}

/** Options end at the first blank outside of double quotes; a line whose first word is a type has none. */
function lengthOfOptions(line: string): number {
  const [first = ''] = /^(?:"(?:\\.|[^"\\])*"|[^" \t])*/.exec(line) ?? []
  return isKnownType(first) || first === 'ssh-dss' ? 0 : first.length
}

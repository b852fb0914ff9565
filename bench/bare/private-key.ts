import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Fields } from './fields.js'

export interface Identity {
  readonly key: KeyObject
  /** The public key as RFC 8709 section 4 has it. */
  readonly blob: Buffer
}

const magicBytes = 'openssh-key-v1\0'.length
/** PKCS #8 of an Ed25519 key (RFC 8410 section 7), up to its 32 bytes. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

/** An Ed25519 key without a passphrase, as ssh-keygen writes it (PROTOCOL.key of OpenSSH). */
export function readIdentity(file: string): Identity {
  const [, base64 = ''] = readFileSync(file, 'latin1').split('-----').slice(1)
  const outer = new Fields(Buffer.from(base64, 'base64'), magicBytes)
  for (const _ of ['cipher', 'key derivation', 'its options']) outer.string()
  outer.uint32()
  const blob = outer.string()
  const inner = new Fields(outer.string(), 8)
  for (const _ of ['type', 'public key']) inner.string()
  const der = Buffer.concat([pkcs8Head, inner.string().subarray(0, 32)])
  return { key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), blob }
}

/** Ciphers that need a MAC beside them: AES in counter mode (RFC 4344 section 4), and CBC (RFC 4253 section 6.3). */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { HoldfastError } from '../errors.js'
import { type CipherSpec, rekeyBytesOf } from './cipher.js'
import { EncryptAndMacOpener, EncryptAndMacSealer } from './encrypt-and-mac.js'
import { EncryptThenMacOpener, EncryptThenMacSealer } from './encrypt-then-mac.js'
import { Mac, type MacSpec } from './mac.js'

type Sizes = Pick<CipherSpec, 'keyBytes' | 'blockSize' | 'insecure'>

/** @param algorithm the name in node:crypto, whose object serves all packets of its keys: its state runs on between them */
function blockCipher(name: string, algorithm: string, { keyBytes, blockSize, insecure }: Sizes): CipherSpec {
  return {
    name,
    keyBytes,
    ivBytes: blockSize,
    blockSize,
    aead: false,
    insecure,
    rekeyBytes: rekeyBytesOf(blockSize),
    sealer({ key, iv, macKey }, macSpec) {
      const mac = macFor(name, macSpec)
      const cipher = createCipheriv(algorithm, createSecretKey(key), iv).setAutoPadding(false)
      const Sealer = mac.etm ? EncryptThenMacSealer : EncryptAndMacSealer
      return new Sealer(blockSize, cipher, new Mac(mac, macKey))
    },
    opener({ key, iv, macKey }, macSpec) {
      const mac = macFor(name, macSpec)
      const decipher = createDecipheriv(algorithm, createSecretKey(key), iv).setAutoPadding(false)
      if (mac.etm) return new EncryptThenMacOpener(blockSize, decipher, new Mac(mac, macKey))
      const lengthField = algorithm.endsWith('cbc') ? 'chained' : 'encrypted'
      return new EncryptAndMacOpener(blockSize, decipher, new Mac(mac, macKey), lengthField)
    },
  }
}

function macFor(cipher: string, mac: MacSpec | undefined): MacSpec {
  if (mac === undefined)
    throw new HoldfastError('ERR_SSH_NEGOTIATION', `${cipher} needs a MAC, and none was negotiated`)
  return mac
}

const aes = (keyBytes: number) => ({ keyBytes, blockSize: 16, insecure: false })

export const aes128Ctr = blockCipher('aes128-ctr', 'aes-128-ctr', aes(16))
export const aes192Ctr = blockCipher('aes192-ctr', 'aes-192-ctr', aes(24))
export const aes256Ctr = blockCipher('aes256-ctr', 'aes-256-ctr', aes(32))

// CBC in this protocol gives away plaintext to whoever alters packets (CVE-2008-5161; with ETM, Terrapin).
export const aes128CbcInsecure = blockCipher('aes128-cbc', 'aes-128-cbc', { ...aes(16), insecure: true })
export const aes192CbcInsecure = blockCipher('aes192-cbc', 'aes-192-cbc', { ...aes(24), insecure: true })
export const aes256CbcInsecure = blockCipher('aes256-cbc', 'aes-256-cbc', { ...aes(32), insecure: true })
export const tripleDesCbcInsecure = blockCipher('3des-cbc', 'des-ede3-cbc', {
  keyBytes: 24,
  blockSize: 8,
  insecure: true,
})

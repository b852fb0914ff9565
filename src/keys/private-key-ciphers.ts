import { createDecipheriv, type DecipherGCM } from 'node:crypto'
import { poly1305 } from '@noble/ciphers/_poly1305.js'

/** A cipher that `ssh-keygen -Z` offers for private keys. */
export interface PrivateKeyCipher {
  readonly keyBytes: number
  readonly ivBytes: number
  readonly blockBytes: number
  readonly tagBytes: number
  /** @returns undefined where a tag shows that the key is wrong; the others cannot know */
  decrypt(key: Buffer, iv: Buffer, data: Buffer, tag: Buffer): Buffer | undefined
}

export const privateKeyCiphers: ReadonlyMap<string, PrivateKeyCipher> = new Map([
  ['aes128-ctr', unauthenticated('aes-128-ctr', 16, 16)],
  ['aes192-ctr', unauthenticated('aes-192-ctr', 24, 16)],
  ['aes256-ctr', unauthenticated('aes-256-ctr', 32, 16)],
  ['aes128-cbc', unauthenticated('aes-128-cbc', 16, 16)],
  ['aes192-cbc', unauthenticated('aes-192-cbc', 24, 16)],
  ['aes256-cbc', unauthenticated('aes-256-cbc', 32, 16)],
  ['3des-cbc', unauthenticated('des-ede3-cbc', 24, 8)],
  ['aes128-gcm@openssh.com', gcm('aes-128-gcm', 16)],
  ['aes256-gcm@openssh.com', gcm('aes-256-gcm', 32)],
  [
    'chacha20-poly1305@openssh.com',
    { keyBytes: 64, ivBytes: 0, blockBytes: 8, tagBytes: 16, decrypt: decryptChachaPoly },
  ],
])

function unauthenticated(name: string, keyBytes: number, blockBytes: number): PrivateKeyCipher {
  return {
    keyBytes,
    ivBytes: blockBytes,
    blockBytes,
    tagBytes: 0,
    decrypt: (key, iv, data) => createDecipheriv(name, key, iv).setAutoPadding(false).update(data),
  }
}

function gcm(name: 'aes-128-gcm' | 'aes-256-gcm', keyBytes: number): PrivateKeyCipher {
  return {
    keyBytes,
    ivBytes: 12,
    blockBytes: 16,
    tagBytes: 16,
    decrypt: (key, iv, data, tag) => finished(createDecipheriv(name, key, iv).setAuthTag(tag), data),
  }
}

function finished(decipher: DecipherGCM, data: Buffer): Buffer | undefined {
  const plain = decipher.update(data)
  try {
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

/**
 * OpenSSH's PROTOCOL.chacha20poly1305 with sequence number 0 and nothing but a payload. Block 0 of the key stream gives
 * the key of Poly1305, and the data begins with block 1. The second half of the key is for packet lengths, of which
 * there are none here.
 */
function decryptChachaPoly(key: Buffer, _iv: Buffer, data: Buffer, tag: Buffer): Buffer | undefined {
  const stream = createDecipheriv('chacha20', key.subarray(0, 32), Buffer.alloc(16))
  const macKey = stream.update(Buffer.alloc(64)).subarray(0, 32)
  // Compared in any time: nobody can ask this more than once, and who knows the file can guess passphrases at leisure.
  return tag.equals(poly1305(data, macKey)) ? stream.update(data) : undefined
}

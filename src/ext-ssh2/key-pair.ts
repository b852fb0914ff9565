import type { Signer } from '../auth/signer.js'
import { certifiedSigner, keySigner } from '../auth/signers.js'
import { HoldfastError } from '../errors.js'
import { readSmallFile } from '../keys/files.js'
import { readPublicKeyFile } from '../keys/identities.js'
import { expandHome } from '../keys/paths.js'
import { maxKeyFileBytes, parsePrivateKey } from '../keys/private-key-file.js'
import type { PublicKey } from '../keys/public-key.js'
import { parsePublicKeyLine } from '../keys/public-key-line.js'

export interface KeyFiles {
  readonly pubkeyfile: string
  readonly privkeyfile: string
  readonly passphrase: string | undefined
}

/**
 * A key by its two files; the public one may be a certificate.
 * @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE
 */
export async function keyOfFiles({ pubkeyfile, privkeyfile, passphrase }: KeyFiles): Promise<Signer> {
  const publicPath = expandHome(pubkeyfile)
  const source = expandHome(privkeyfile)
  const publicKey = await readPublicKeyFile(publicPath)
  if (publicKey === undefined) throw missing(publicPath)
  return signerOf(publicKey, await privateFile(source), source, passphrase)
}

/**
 * The same by the texts of both.
 * @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE
 */
export function keyOfTexts(
  pubkey: string | Buffer,
  privkey: string | Buffer,
  passphrase: string | undefined,
): Promise<Signer> {
  const publicKey = parsePublicKeyLine(pubkey.toString('utf8'), 'pubkey').key
  return signerOf(publicKey, privkey, 'privkey', passphrase)
}

async function signerOf(
  publicKey: PublicKey,
  contents: string | Buffer,
  source: string,
  passphrase: string | undefined,
): Promise<Signer> {
  const signer = keySigner(await parsePrivateKey(contents, { source, passphrase }), source)
  if (publicKey.certificate !== undefined) return certifiedSigner(signer, publicKey)
  if (publicKey.blob.equals(signer.publicKey.blob)) return signer
  const [given, found] = [publicKey.fingerprint(), signer.publicKey.fingerprint()]
  throw new HoldfastError('ERR_SSH_KEY', `${source} is the private half of ${found}, not of ${given}`)
}

async function privateFile(path: string): Promise<Buffer> {
  try {
    const contents = await readSmallFile(path, maxKeyFileBytes)
    if (contents !== undefined) return contents
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new HoldfastError('ERR_SSH_KEY', `${path}: could not be read: ${reason}`, { cause })
  }
  throw missing(path)
}

function missing(path: string): HoldfastError {
  return new HoldfastError('ERR_SSH_KEY', `${path}: there is no such file`)
}

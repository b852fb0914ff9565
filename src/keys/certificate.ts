import { KeyReader } from './key-reader.js'
import { isCertificateName } from './key-types/registry.js'
import type { PublicKey } from './public-key.js'
import { signatureAlgorithm } from './signature.js'

/**
 * What OpenSSH's PROTOCOL.certkeys puts around a key. One that exists was signed by its `authority`; whether that
 * authority is trusted, and whether it vouches for this host or user now, is for `checkCertificate`.
 */
export interface Certificate {
  readonly serial: bigint
  readonly kind: CertificateKind
  readonly keyId: string
  readonly principals: readonly string[]
  /** Seconds since 1970: valid from this one on… */
  readonly validAfter: bigint
  /** …until before this one. */
  readonly validBefore: bigint
  readonly criticalOptions: ReadonlyMap<string, Buffer>
  readonly extensions: ReadonlyMap<string, Buffer>
  readonly authority: PublicKey
  /** By which the authority signed. */
  readonly signatureAlgorithm: string
}

export type CertificateKind = 'user' | 'host'

/** OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS. */
const maxPrincipals = 256

/**
 * Reads what follows the fields of the certified key, to the end of `blob`, and checks the authority's signature.
 * @param parseAuthority keys hold certificates, and certificates hold keys
 */
export function readCertificate(
  reader: KeyReader,
  blob: Buffer,
  parseAuthority: (blob: Buffer) => PublicKey,
): Certificate {
  const facts = {
    serial: reader.uint64('serial'),
    kind: readKind(reader),
    keyId: reader.text('key id'),
    principals: readPrincipals(reader.string('principals')),
    validAfter: reader.uint64('valid after'),
    validBefore: reader.uint64('valid before'),
    criticalOptions: readOptions(reader.string('critical options'), 'critical options'),
    extensions: readOptions(reader.string('extensions'), 'extensions'),
  }
  reader.string('reserved')
  return { ...facts, ...readAuthority(reader, blob, parseAuthority) }
}

function readKind(reader: KeyReader): CertificateKind {
  const kind = reader.uint32('certificate kind')
  if (kind === 1) return 'user'
  if (kind === 2) return 'host'
  throw reader.error('certificate kind', `is ${kind}, which is neither user (1) nor host (2)`)
}

function readPrincipals(list: Buffer): readonly string[] {
  const reader = new KeyReader('certificate principals', list)
  const principals: string[] = []
  while (reader.remaining > 0) {
    if (principals.length === maxPrincipals) throw reader.error('list', `has more than ${maxPrincipals} entries`)
    principals.push(reader.text('principal', 1024))
  }
  return principals
}

function readOptions(list: Buffer, what: string): ReadonlyMap<string, Buffer> {
  const reader = new KeyReader(`certificate ${what}`, list)
  const options = new Map<string, Buffer>()
  while (reader.remaining > 0) {
    const name = reader.name('option name')
    if (options.has(name)) throw reader.error('option', `${name} is given twice`)
    options.set(name, reader.string('option data'))
  }
  return options
}

function readAuthority(
  reader: KeyReader,
  blob: Buffer,
  parseAuthority: (blob: Buffer) => PublicKey,
): Pick<Certificate, 'authority' | 'signatureAlgorithm'> {
  const authorityBlob = reader.string('signature key')
  // Before it is parsed: chains are not allowed, and would be a way to recurse for ever.
  if (isCertificateName(new KeyReader('certificate authority', authorityBlob).name('key type', 64))) {
    throw reader.error('signature key', 'is itself a certificate')
  }
  const authority = parseAuthority(authorityBlob)
  const signature = reader.string('signature')
  reader.end()
  const signed = blob.subarray(0, blob.length - 4 - signature.length)
  const algorithm = signatureAlgorithm(signature) ?? ''
  if (!authority.verify(algorithm, signed, signature)) throw reader.error('signature', 'is not the authority’s')
  return { authority, signatureAlgorithm: algorithm }
}

import { checkCertificate } from './check-certificate.js'
import { isCertificateName } from './key-types/registry.js'
import { type KnownHostsEntry, knownHostsName, namesHost } from './known-hosts.js'
import type { PublicKey } from './public-key.js'

/** What the known_hosts files say of a key that a host offered. */
export type HostKeyVerdict =
  | { readonly verdict: 'known'; readonly entry: KnownHostsEntry }
  | { readonly verdict: 'revoked'; readonly entry: KnownHostsEntry }
  /** The host has other keys: `entry` is the first of them. */
  | { readonly verdict: 'changed'; readonly entry: KnownHostsEntry; readonly certificateProblem: string | undefined }
  | { readonly verdict: 'unknown'; readonly certificateProblem: string | undefined }

export interface HostKeyOffer {
  readonly key: PublicKey
  /** The name or address as the user gave it. */
  readonly host: string
  readonly port: number
  /** Seconds since 1970, to judge certificates by. */
  readonly nowSeconds: number
}

/**
 * Judges a host key as OpenSSH does. A certificate counts by its authority; one that no trusted authority signed, or
 * that is not for this host or time, counts as the plain key in it. A host at another port than 22 that has no entry
 * of its own is also known by the entries of its bare name.
 */
export function judgeHostKey(entries: readonly KnownHostsEntry[], offer: HostKeyOffer): HostKeyVerdict {
  const own = entriesFor(entries, knownHostsName(offer.host, offer.port))
  const bare = offer.port === 22 ? [] : entriesFor(entries, knownHostsName(offer.host, 22))
  const revoked = [...own, ...bare].find((entry) => revokes(entry, offer.key))
  if (revoked !== undefined) return { verdict: 'revoked', entry: revoked }
  const verdict = judgeByEntries(own, offer)
  if (verdict.verdict !== 'unknown') return verdict
  const byBareName = judgeByEntries(bare, offer)
  return byBareName.verdict === 'known' ? byBareName : verdict
}

function judgeByEntries(entries: readonly KnownHostsEntry[], offer: HostKeyOffer): HostKeyVerdict {
  const authority = entries.find((entry) => entry.marker === 'cert-authority' && isAuthorityOf(entry, offer.key))
  const certificateProblem = authority && problemOf(offer)
  if (authority !== undefined && certificateProblem === undefined) return { verdict: 'known', entry: authority }
  const plain = entries.filter((entry) => entry.marker === 'none')
  const same = plain.find((entry) => entry.blob.equals(offer.key.plainBlob))
  if (same !== undefined) return { verdict: 'known', entry: same }
  const [other] = plain
  return other === undefined
    ? { verdict: 'unknown', certificateProblem }
    : { verdict: 'changed', entry: other, certificateProblem }
}

function entriesFor(entries: readonly KnownHostsEntry[], name: string): readonly KnownHostsEntry[] {
  return entries.filter((entry) => namesHost(entry.hosts, name))
}

/** A revoked authority takes with it all that it signed. */
function revokes(entry: KnownHostsEntry, key: PublicKey): boolean {
  return entry.marker === 'revoked' && (entry.blob.equals(key.plainBlob) || isAuthorityOf(entry, key))
}

function isAuthorityOf(entry: KnownHostsEntry, { certificate }: PublicKey): boolean {
  return certificate !== undefined && entry.blob.equals(certificate.authority.blob)
}

function problemOf({ key, host, nowSeconds }: HostKeyOffer): string | undefined {
  return key.certificate && checkCertificate(key.certificate, { kind: 'host', principal: host, nowSeconds })
}

/**
 * The host key algorithms to offer, with those first for which known_hosts has a key: a peer that is known by one of
 * its keys is then asked for that one. Certificates come before all if the host has a trusted authority.
 */
export function preferKnownTypes(
  algorithms: readonly string[],
  entries: readonly KnownHostsEntry[],
  host: string,
  port: number,
): readonly string[] {
  const names = port === 22 ? [host] : [host, knownHostsName(host, port)]
  const known = entries.filter(
    ({ hosts, marker }) => marker !== 'revoked' && names.some((name) => namesHost(hosts, name.toLowerCase())),
  )
  const types = new Set(known.filter(({ marker }) => marker === 'none').map(({ keyType }) => keyType))
  const hasAuthority = known.some(({ marker }) => marker === 'cert-authority')
  const preferred = (algorithm: string): boolean =>
    isCertificateName(algorithm) ? hasAuthority : types.has(keyTypeOf(algorithm))
  // The same list for most connections of a process, which may have thousands.
  if (!algorithms.some(preferred)) return algorithms
  return [...algorithms.filter(preferred), ...algorithms.filter((algorithm) => !preferred(algorithm))]
}

/** The type of key that signs by an algorithm: RFC 8332 section 3 gives `ssh-rsa` keys several. */
function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm
}

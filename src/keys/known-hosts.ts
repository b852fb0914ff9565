import { createHmac } from 'node:crypto'
import { HoldfastError } from '../errors.js'
import { Reader } from '../wire/reader.js'
import { keyTypes } from './key-types/registry.js'
import { matchesPatternList } from './patterns.js'
import { decodeBase64 } from './public-key-line.js'

/** One line of a known_hosts file: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
export interface KnownHostsEntry {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly marker: 'none' | 'cert-authority' | 'revoked'
  readonly hosts: HostNames
  readonly keyType: string
  /** Of a plain key, never a certificate. */
  readonly blob: Buffer
}

/** The first word of a line: patterns, or one name that only those who know it recognise. */
export type HostNames =
  | { readonly form: 'patterns'; readonly patterns: readonly string[] }
  | { readonly form: 'hashed'; readonly salt: Buffer; readonly hash: Buffer }

/** A line that cannot be understood, and so counts for nothing. */
export interface KnownHostsProblem {
  readonly file: string
  readonly line: number
  readonly reason: string
}

export interface ParsedKnownHosts {
  readonly entries: readonly KnownHostsEntry[]
  readonly problems: readonly KnownHostsProblem[]
}

/**
 * Reads the text of a known_hosts file. A line that is wrong spoils no other, as in OpenSSH.
 * @param file its name, for errors and verdicts
 */
export function parseKnownHosts(text: string, file: string): ParsedKnownHosts {
  return parseKnownHostsLines(text.split('\n'), file, 1)
}

/** The same for some of a file's lines. @param from the number of the first of them, counted from 1 */
export function parseKnownHostsLines(lines: readonly string[], file: string, from: number): ParsedKnownHosts {
  const entries: KnownHostsEntry[] = []
  const problems: KnownHostsProblem[] = []
  for (const [index, line] of lines.entries()) {
    const words = line.trim().split(/[ \t]+/)
    if (words[0] === '' || words[0]?.startsWith('#')) continue
    try {
      entries.push({ file, line: from + index, ...parseWords(words) })
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      problems.push({ file, line: from + index, reason: error.message })
    }
  }
  return { entries, problems }
}

type Words = readonly string[]

function parseWords(words: Words): Omit<KnownHostsEntry, 'file' | 'line'> {
  const marker = parseMarker(words[0] ?? '')
  const [names, keyType, base64] = marker === 'none' ? words : words.slice(1)
  if (names === undefined || keyType === undefined || base64 === undefined) {
    throw wrongLine('it ends early: host names, key type and key are needed')
  }
  return { marker, hosts: parseHostNames(names), keyType, blob: parseBlob(keyType, base64) }
}

function parseMarker(word: string): KnownHostsEntry['marker'] {
  if (!word.startsWith('@')) return 'none'
  const marker = word.slice(1)
  if (marker === 'cert-authority' || marker === 'revoked') return marker
  throw wrongLine(`the marker ${word} is neither @cert-authority nor @revoked`)
}

function parseHostNames(names: string): HostNames {
  if (!names.startsWith('|')) return { form: 'patterns', patterns: names.toLowerCase().split(',') }
  const [, version, salt, hash, ...surplus] = names.split('|')
  if (version !== '1' || salt === undefined || hash === undefined || surplus.length > 0) {
    throw wrongLine('the hashed host name is not of the form |1|salt|hash')
  }
  const [saltBytes, hashBytes] = [salt, hash].map((part) => decodeBase64(part, 'the hashed host name'))
  if (saltBytes?.length !== 20 || hashBytes?.length !== 20) throw wrongLine('the hashed host name has no 20 bytes each')
  return { form: 'hashed', salt: saltBytes, hash: hashBytes }
}

/**
 * The key itself is not looked into: it is only ever compared with one that a peer offered, which was checked then.
 * That keeps reading a file of thousands of lines cheap.
 */
function parseBlob(keyType: string, base64: string): Buffer {
  if (/^[0-9]+$/.test(keyType)) throw wrongLine('it is of SSH version 1, which no longer exists')
  if (!keyTypes.has(keyType)) throw wrongLine(`keys of type ${keyType} are not supported`)
  const blob = decodeBase64(base64, 'the key')
  const named = new Reader('the key', blob).string('type', 64).toString('latin1')
  if (named !== keyType) throw wrongLine(`the key is said to be ${keyType}, but is ${named}`)
  return blob
}

function wrongLine(reason: string): HoldfastError {
  return new HoldfastError('ERR_SSH_KNOWN_HOSTS', reason)
}

/** The name under which OpenSSH keeps a host: `host`, or `[host]:port` for another port than 22. */
export function knownHostsName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}

export function namesHost(hosts: HostNames, name: string): boolean {
  return hosts.form === 'hashed'
    ? hashHostName(name, hosts.salt).equals(hosts.hash)
    : matchesPatternList(name, hosts.patterns)
}

/** HMAC-SHA1 of the name, as OpenSSH does: it hides names from readers of the file, and guards nothing else. */
export function hashHostName(name: string, salt: Buffer): Buffer {
  return createHmac('sha1', salt).update(name).digest()
}

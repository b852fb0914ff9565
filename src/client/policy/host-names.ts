import { isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import { matchesPatternList } from '../../keys/patterns.js'

/**
 * The names of a host in the one form in which patterns are held against them. The resolver takes many for the same:
 * capitals, a dot at the end, `127.1` for 127.0.0.1, letters of other scripts that are mapped to plain ones.
 */
export function canonicalNames(names: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(names.flatMap((name) => (name === undefined ? [] : formsOf(name))))]
}

/** Whether a rule is for a host: one of its names is enough, so that another name is no way around it. */
export function matchesHost(names: readonly string[], patterns: readonly string[]): boolean {
  const forms = patterns.flatMap(formsOfPattern)
  return names.some((name) => matchesPatternList(name, forms))
}

/** One that is a name as it stands is for all forms of that: it must not bind nobody because an address is written out. */
function formsOfPattern(pattern: string): readonly string[] {
  const mark = pattern.startsWith('!') ? '!' : ''
  const name = pattern.slice(mark.length)
  const forms = /[*?]/.test(name) ? [name.toLowerCase().replace(/\.$/, '')] : formsOf(name)
  return forms.map((form) => mark + form)
}

function formsOf(name: string): readonly string[] {
  const [address = ''] = name.split('%')
  if (isIPv6(address)) return formsOfAddress(address)
  const plain = name.toLowerCase().replace(/\.$/, '')
  const ascii = domainToASCII(name).replace(/\.$/, '')
  return ascii === '' ? [plain] : [plain, ascii]
}

/** The shortest form (RFC 5952), and of an IPv4-mapped one (RFC 4291 section 2.5.5.2) the IPv4 address. */
function formsOfAddress(address: string): readonly string[] {
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? []
  if (high === undefined || low === undefined) return [short]
  const bytes = [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255])
  return [short, bytes.join('.')]
}

import { keyError } from './key-reader.js'
import { decodeBase64 } from './public-key-line.js'

/** One block between BEGIN and END. */
export interface PemBlock {
  readonly label: string
  /** The block with its two lines, and line ends as OpenSSL wants them. */
  readonly text: string
  /** The lines `Name: value` of RFC 1421, which the old way of encrypting writes. */
  readonly headers: ReadonlyMap<string, string>
  readonly base64: string
}

/**
 * The first block whose label ends as given. What stands around it (parameters, notes of other programs) is skipped.
 * @throws HoldfastError ERR_SSH_KEY if the block has no end
 */
export function findPemBlock(text: string, labelEnd: string, source: string): PemBlock | undefined {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim())
  const begin = lines.findIndex((line) => line.startsWith('-----BEGIN ') && line.endsWith(`${labelEnd}-----`))
  if (begin === -1) return undefined
  const label = lines[begin]?.slice('-----BEGIN '.length, -'-----'.length) ?? ''
  const end = lines.indexOf(`-----END ${label}-----`, begin)
  if (end === -1) throw keyError(source, `has no line END ${label}: the file was cut off`)
  return { label, text: `${lines.slice(begin, end + 1).join('\n')}\n`, ...splitHeaders(lines.slice(begin + 1, end)) }
}

function splitHeaders(lines: readonly string[]): Pick<PemBlock, 'headers' | 'base64'> {
  const headers = new Map<string, string>()
  const base64: string[] = []
  for (const line of lines) {
    const [, name, value] = /^([A-Za-z0-9-]+): *(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) base64.push(line)
    else headers.set(name, value)
  }
  return { headers, base64: base64.join('') }
}

/** @throws HoldfastError ERR_SSH_KEY */
export function decodePem({ base64 }: PemBlock, source: string): Buffer {
  if (base64 === '') throw keyError(source, 'has nothing between BEGIN and END')
  return decodeBase64(base64, source)
}

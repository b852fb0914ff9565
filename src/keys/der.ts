import { keyError } from './key-reader.js'

/** One value of ASN.1 in DER: just enough to find out what a PKCS#8 file is encrypted with. */
export interface DerValue {
  readonly tag: number
  readonly contents: Buffer
}

export const derTag = { integer: 0x02, octetString: 0x04, oid: 0x06, sequence: 0x30 } as const

/** Reads the values that stand one after the other. */
export function readDerValues(bytes: Buffer, source: string): readonly DerValue[] {
  const values: DerValue[] = []
  let rest = bytes
  while (rest.length > 0) {
    const { tag, start, end } = readHead(rest, source)
    values.push({ tag, contents: rest.subarray(start, end) })
    rest = rest.subarray(end)
  }
  return values
}

function readHead(bytes: Buffer, source: string): { tag: number; start: number; end: number } {
  const [tag = 0, short = 0] = bytes
  const extra = short < 0x80 ? 0 : short - 0x80
  const start = 2 + extra
  if (bytes.length < start || extra > 3 || short === 0x80) throw damaged(source)
  const length = extra === 0 ? short : bytes.readUIntBE(2, extra)
  if (length > bytes.length - start) throw damaged(source)
  return { tag, start, end: start + length }
}

/** The values in a sequence. */
export function derSequence(value: DerValue | undefined, source: string): readonly DerValue[] {
  return readDerValues(contentsOf(value, derTag.sequence, source), source)
}

/** The dotted form is for people; files are compared by the bytes. */
export function derOid(value: DerValue | undefined, source: string): string {
  return contentsOf(value, derTag.oid, source).toString('hex')
}

/** A non-negative integer; beyond 2^48 it is infinite. */
export function derInteger(value: DerValue | undefined, source: string): number {
  const digits = contentsOf(value, derTag.integer, source)
  if (digits.length === 0 || (digits[0] ?? 0) & 0x80) throw damaged(source)
  return digits.length > 6 ? Number.POSITIVE_INFINITY : digits.readUIntBE(0, digits.length)
}

function contentsOf(value: DerValue | undefined, tag: number, source: string): Buffer {
  if (value?.tag !== tag) throw damaged(source)
  return value.contents
}

function damaged(source: string): Error {
  return keyError(source, 'is no valid PKCS#8')
}

import { decodeRecord, encodeRecord, type ScpRecord } from '#src/scp/records.js'
import type { Decoder } from './decoders.js'

const records: readonly ScpRecord[] = [
  { type: 'file', mode: 0o644, size: 1234, name: Buffer.from('a name ä') },
  { type: 'directory', mode: 0o755, name: Buffer.from('sub') },
  { type: 'times', mtime: 1_700_000_000, atime: 1 },
  { type: 'end' },
]

/** What a remote scp says, line by line. */
export const scpDecoders: readonly Decoder[] = [
  {
    name: 'SCP record',
    decode: decodeRecord,
    samples: records.map((record) => encodeRecord(record).subarray(0, -1)),
    code: 'ERR_SSH_SCP_PROTOCOL',
    says: /^SCP: '.*' is no record of a file or directory$/,
  },
]

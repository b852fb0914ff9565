import type { MacSpec } from './mac.js'

const specs: readonly MacSpec[] = [
  { name: 'hmac-sha2-256-etm@openssh.com', hash: 'sha256', keyBytes: 32, tagBytes: 32, etm: true, insecure: false },
  { name: 'hmac-sha2-512-etm@openssh.com', hash: 'sha512', keyBytes: 64, tagBytes: 64, etm: true, insecure: false },
  { name: 'hmac-sha2-256', hash: 'sha256', keyBytes: 32, tagBytes: 32, etm: false, insecure: false },
  { name: 'hmac-sha2-512', hash: 'sha512', keyBytes: 64, tagBytes: 64, etm: false, insecure: false },
  { name: 'hmac-sha1-etm@openssh.com', hash: 'sha1', keyBytes: 20, tagBytes: 20, etm: true, insecure: true },
  { name: 'hmac-sha1', hash: 'sha1', keyBytes: 20, tagBytes: 20, etm: false, insecure: true },
]

/** Every MAC that can be negotiated, by name; in the order in which they are preferred. */
export const macs: ReadonlyMap<string, MacSpec> = new Map(specs.map((spec) => [spec.name, spec]))

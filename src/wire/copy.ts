/**
 * A copy that may stay for long. `Buffer.from()` would take it from a pool, of which it then keeps 8 KiB alive: more than
 * all the rest of an idle connection.
 */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

import process from 'node:process'

/** Bytes that the kernel has for it (`sun_path`), without the NUL at its end. */
const most = process.platform === 'linux' ? 107 : 103

/**
 * What is wrong with the path of a Unix socket of this machine. Node 20 cuts one that is too long, and listens or connects
 * at another path then.
 */
export function socketPathProblem(path: string): RangeError | undefined {
  if (process.platform === 'win32' || Buffer.byteLength(path) <= most) return undefined
  return new RangeError(`the path of a socket has at most ${most} bytes on this machine`)
}

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { withFileLock } from './file-lock.js'

/** What outlives a test run: unpacked servers, keys, the home of the test user. Removing it costs one slow start. */
export const cacheDirectory = '/var/cache/holdfast-tests'

/** Changes the cache while no other process does. */
export async function withCacheLock<T>(work: () => Promise<T>): Promise<T> {
  // The test user reaches sftp-server and its home through here; keys have a directory of their own that it cannot enter.
  await mkdir(cacheDirectory, { recursive: true, mode: 0o755 })
  return withFileLock(join(cacheDirectory, 'lock'), work)
}

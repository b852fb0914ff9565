/** That much every server has to take by one request. One that takes less gets no more requests for it. */
export const leastSize = 32 * 1024

/** How many requests make up so many bytes. @param size what each of them carries, in bytes */
export function depthFor(bytes: number, size: number): number {
  return Math.max(1, Math.floor(bytes / Math.max(size, leastSize)))
}

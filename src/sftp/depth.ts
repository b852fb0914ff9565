/** Bytes that a transfer has under way at most: what fills a channel's window. More would wait in memory and bring nothing. */
export const maxUnderWay = 2 * 1024 * 1024

/** That many of the 32 KiB which every server has to take. One that takes less gets no more requests for it. */
const maxRequests = 64

/** How many requests a transfer has under way at most. @param size what each of them carries, in bytes */
export function depthFor(size: number): number {
  return Math.min(maxRequests, Math.max(1, Math.floor(maxUnderWay / size)))
}

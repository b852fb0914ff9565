import process from 'node:process'

/** Does work, and says how many milliseconds of processor time this process took for it: on a busy machine no more than on another. */
export function processorMs(work: () => void): number {
  const since = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

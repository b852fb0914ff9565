/** Starts to count the milliseconds in which this process does not wait for input: what a limit on the peer is made up for, once. */
export function countBusy(): () => number {
  const before = busyMs()
  return () => busyMs() - before
}

function busyMs(): number {
  return performance.now() - performance.eventLoopUtilization().idle
}

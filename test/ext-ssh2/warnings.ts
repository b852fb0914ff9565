import process from 'node:process'

/** What the functions warn of while `work` runs. */
export async function warnings(work: () => Promise<unknown>): Promise<readonly string[]> {
  const seen: string[] = []
  const see = (warning: Error) => void (warning.name === 'Ssh2Warning' && seen.push(warning.message))
  process.on('warning', see)
  try {
    await work()
    // They are told in the next turn.
    await new Promise((resolve) => void setImmediate(resolve))
  } finally {
    process.off('warning', see)
  }
  return seen
}

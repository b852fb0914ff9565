/** What the server holds open for us. */
interface Closable {
  close(): Promise<void>
}

/**
 * Works with something, and closes it. Where the work fails, that is told at once: requests go in order, so whatever is
 * asked for next finds it closed, and a server that answers nothing is not waited for twice.
 */
export async function closing<T>(opened: Closable, work: () => Promise<T>): Promise<T> {
  const result = await orLetGo(opened, work())
  await opened.close()
  return result
}

/**
 * The same where the last of the work is still under way when CLOSE goes out: whatever is asked for one file, a server has to
 * do in order (draft section 6.1), so that nobody waits for another round trip.
 * @param work gives what waits for the rest of it
 */
export async function closingBehind(opened: Closable, work: () => Promise<() => Promise<void>>): Promise<void> {
  const finish = await orLetGo(opened, work())
  const closed = opened.close()
  closed.catch(() => {})
  await finish()
  await closed
}

/** The same for what was only read, where nothing depends on what CLOSE is answered. */
export async function reading<T>(opened: Closable, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    letGo(opened)
  }
}

function orLetGo<T>(opened: Closable, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    letGo(opened)
    throw error
  })
}

function letGo(opened: Closable): void {
  opened.close().catch(() => {})
}

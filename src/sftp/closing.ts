/** What the server holds open for us. */
interface Closable {
  close(): Promise<void>
}

/**
 * Works with something, and closes it. Where the work fails, that is told at once: requests go in order, so whatever is
 * asked for next finds it closed, and a server that answers nothing is not waited for twice.
 */
export async function closing<T>(opened: Closable, work: () => Promise<T>): Promise<T> {
  const result = await work().catch((error: unknown) => {
    opened.close().catch(() => {})
    throw error
  })
  await opened.close()
  return result
}

/** What the server holds open for us. */
interface Closable {
  /** It is asked to close whatever became of the signal, which ends only the wait for that. */
  close(signal?: AbortSignal): Promise<void>
}

/**
 * Works with something, and closes it. Where the work fails, that is told at once: requests go in order, so whatever is
 * asked for next finds it closed, and a server that answers nothing is not waited for twice. Else CLOSE goes out once the work is
 * answered, though a server has to keep the order of what is asked for one file (draft section 6.1): those that work on
 * requests side by side, as some built on npm's ssh2 do, close the file under a WRITE that has not been done yet.
 */
export async function closing<T>(opened: Closable, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const result = await orLetGo(opened, work())
  await opened.close(signal)
  return result
}

/**
 * Asks for one thing after another, and closes: all of it in one flight where the server is known to work on requests in
 * their order, else each once the one before it was answered. @throws what the first that failed did so for
 */
export async function closingBehind(
  opened: Closable & { readonly keepsOrder: boolean },
  steps: readonly (() => Promise<unknown>)[],
  signal: AbortSignal,
): Promise<void> {
  const inTurn = async () => {
    for (const step of steps) await step()
  }
  if (opened.keepsOrder) await Promise.all([...steps.map((step) => step()), opened.close(signal)])
  else await closing(opened, inTurn, signal)
}

/** Works with what is only read, where nothing depends on what CLOSE is answered. */
export async function reading<T>(opened: Closable, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    letGo(opened)
  }
}

/** Closes what was opened where the work with it fails, without waiting for that. */
export function orLetGo<T>(opened: Closable, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    letGo(opened)
    throw error
  })
}

function letGo(opened: Closable): void {
  opened.close().catch(() => {})
}

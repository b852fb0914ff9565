/** Under Node's permission model (`--permission`), for what needs another program. */
export const childProcessHint = 'start Node with --allow-child-process'

/** Whether it is that model that refused it, which names no call of the system. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_ACCESS_DENIED'
}

/** Whether it is Node's permission model (`--permission`) that refused it, which names no call of the system. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_ACCESS_DENIED'
}

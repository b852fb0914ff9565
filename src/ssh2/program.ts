/** What runs in a session. */
export interface Program {
  readonly type: 'exec' | 'shell' | 'subsystem'
  /** The command, or the name of the subsystem. */
  readonly text?: string
  readonly env?: unknown
  /** False or undefined for no terminal. */
  readonly pty?: unknown
  readonly x11?: unknown
  readonly agentForward?: boolean | undefined
  readonly allowHalfOpen?: boolean
}

/** What ssh2 says where the server does not start it. */
export function refusal({ type, text }: Program): string {
  if (type === 'exec') return 'Unable to exec'
  return type === 'shell' ? 'Unable to open shell' : `Unable to start subsystem: ${text ?? ''}`
}

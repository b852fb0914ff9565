import type { Program } from './program.js'

/** What decides whether a server passes signals on to a command. */
export interface SignalCircumstances {
  /** What the server says it is: `OpenSSH_9.2p1`. */
  readonly peer: string
  readonly username: string
  /** Whether it said that the key or certificate we came with forces a command. */
  readonly isForced: boolean
  readonly program: Program['type']
}

/** What helps with a forced command. */
export const forcedAdvice = "what helps: pty, or secondSession: 'always' if it runs what it is asked for"

/** Whether a `signal` request reaches what runs, as far as the server's kind tells. */
export type SignalReach =
  | { readonly kind: 'passes' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'drops'; readonly because: string }

/** Measured, and read in session.c of OpenSSH: it drops signals without a word. */
export function signalReach({ peer, username, isForced, program }: SignalCircumstances): SignalReach {
  const version = openSshVersion(peer)
  if (version === undefined) return { kind: 'unknown' }
  if (isForced) return drops(`sshd passes no signal on to a forced command (${forcedAdvice})`)
  if (program === 'subsystem') return drops('sshd passes no signal on to a subsystem')
  if (version < 7.09) return drops('sshd before 7.9 knows no signals')
  if (username === 'root' && version < 9.08) return drops('sshd before 9.8 passes no signal on for root')
  return { kind: 'passes' }
}

/** 9.2 as 9.02, so that 9.10 comes after 9.9; undefined for another server. */
export function openSshVersion(peer: string): number | undefined {
  const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec(peer) ?? []
  return major === undefined || minor === undefined ? undefined : Number(major) + Number(minor) / 100
}

function drops(because: string): SignalReach {
  return { kind: 'drops', because }
}

/** Whether a signal goes to all that a command started: sshd's does, dropbear's (measured) to its shell alone. */
export function signalsGroup(peer: string): boolean {
  return openSshVersion(peer) !== undefined || peer === 'Holdfast_testing'
}

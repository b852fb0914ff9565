import type { Channel } from '../connection/channel.js'
import { HoldfastError } from '../errors.js'
import type { Cancel } from '../liveness/cancel.js'
import { encodeEnv } from '../wire/session-messages.js'
import type { CommandSettings } from './options.js'

/** Lends an agent of this machine to programs on the server. */
export interface AgentLender {
  /** Whether commands get it that say nothing of it. */
  readonly isDefault: boolean
  /** A session is about to ask the server to make it known there. @returns false where there is none to lend */
  offer(): boolean
  /** What the server said to that. */
  answered(isGranted: boolean): void
}

export interface PreparationOptions {
  readonly settings: CommandSettings
  readonly agent: AgentLender | undefined
  readonly signal: Cancel
  /** The server would not set this variable. */
  refusedEnv(name: string): void
}

/** Asks for what a program can do without: its variables, and the agent. Never rejects: as with ssh, it runs anyway. */
export async function prepare(channel: Channel, options: PreparationOptions): Promise<void> {
  const { settings } = options
  const variables = settings.env.map((variable) => requestEnv(channel, variable, options))
  if (settings.forwardAgent) await requestAgent(channel, options)
  await Promise.all(variables)
}

type Variable = CommandSettings['env'][number]

async function requestEnv(channel: Channel, [name, value]: Variable, options: PreparationOptions): Promise<void> {
  try {
    await channel.request('env', encodeEnv(name, value), { signal: options.signal })
  } catch {
    options.refusedEnv(name)
  }
}

async function requestAgent(channel: Channel, { agent, signal }: PreparationOptions): Promise<void> {
  if (agent === undefined || !agent.offer()) return
  try {
    await channel.request('auth-agent-req@openssh.com', Buffer.alloc(0), { signal })
    agent.answered(true)
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'ERR_SSH_REQUEST_REFUSED') agent.answered(false)
  }
}

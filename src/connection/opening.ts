import { type ErrorDetails, HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'
import type { Channel } from './channel.js'

/** A CHANNEL_OPEN of ours that the peer has not answered. */
export interface Opening {
  confirmed(channel: Channel): void
  refused(reason: number, description: string): void
}

/** RFC 4254 section 5.1. */
const reasons = new Map([
  [1, 'administratively prohibited'],
  [2, 'connect failed'],
  [3, 'unknown channel type'],
  [4, 'resource shortage'],
])

/** The peer refused to open a channel; `reason` is its number (RFC 4254 section 5.1). */
export class ChannelOpenError extends HoldfastError {
  readonly reason: number

  constructor(type: string, reason: number, description: string, details: ErrorDetails = {}) {
    const name = reasons.get(reason) ?? `reason ${reason}`
    const words = printable(description)
    const text = words === '' ? name : `${name}: ${words}`
    super('ERR_SSH_CHANNEL_OPEN', `the peer refused to open a ${type} channel: ${text}`, {
      phase: 'channelOpen',
      ...details,
    })
    this.reason = reason
  }
}

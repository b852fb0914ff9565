import { HoldfastError } from '../../errors.js'
import { type Duration, parseDuration } from '../../liveness/duration.js'

/** How a client dials again after its connection was lost (docs/reconnect.md). */
export interface ReconnectOptions {
  /** The shortest delay before an attempt. @default '500ms' */
  readonly minDelay?: Duration | undefined
  /** The longest delay before an attempt. @default '30s' */
  readonly maxDelay?: Duration | undefined
  /** How long the connection may be away in all before it is given up; `false` = for ever. @default '10m' */
  readonly maxTime?: Duration | false | undefined
  /** How many attempts there may be in a row; `false` = as many as there is time for. @default false */
  readonly maxAttempts?: number | false | undefined
}

/** What holds, in milliseconds. */
export interface ReconnectSettings {
  readonly minDelay: number
  readonly maxDelay: number
  readonly maxTime: number | false
  readonly maxAttempts: number | false
}

/** docs/defaults.md says why each is what it is. */
export const defaultReconnect: ReconnectSettings = {
  minDelay: 500,
  maxDelay: 30_000,
  maxTime: 600_000,
  maxAttempts: false,
}

/**
 * @returns undefined where the client is not to dial again
 * @throws HoldfastError ERR_SSH_OPTION naming the field
 */
export function resolveReconnect(option: boolean | ReconnectOptions): ReconnectSettings | undefined {
  if (typeof option === 'boolean') return option ? defaultReconnect : undefined
  const defaults: ReconnectSettings = defaultReconnect
  const { minDelay = defaults.minDelay, maxDelay = defaults.maxDelay, maxTime = defaults.maxTime } = option
  const settings: ReconnectSettings = {
    minDelay: parseDuration(minDelay, 'reconnect.minDelay'),
    maxDelay: parseDuration(maxDelay, 'reconnect.maxDelay'),
    maxTime: maxTime === false ? maxTime : parseDuration(maxTime, 'reconnect.maxTime'),
    maxAttempts: option.maxAttempts ?? defaults.maxAttempts,
  }
  if (settings.minDelay > settings.maxDelay) throw wrong('reconnect.minDelay is longer than reconnect.maxDelay')
  if (settings.maxTime !== false && settings.maxTime <= settings.minDelay)
    throw wrong('reconnect.maxTime leaves no time for an attempt after reconnect.minDelay')
  return settings
}

function wrong(problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', problem, { phase: 'options' })
}

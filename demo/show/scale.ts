/** The times of the show in milliseconds, scaled down so that all of it takes less than a minute. */

/** A connection that was idle for so long is forgotten by the network. NATs and firewalls take minutes to. */
export const forgetMs = 3_000
/** How long the session of the first scene is idle. */
export const idleMs = 5_000
/** The keepalive of the lanes that have one. */
export const intervalMs = 1_000
export const countMax = 3
/** The longest silence before Holdfast's verdict. */
export const boundMs = (countMax + 1) * intervalMs
/** How long the command of the third scene may run. */
export const limitMs = 3_000
/** How long Holdfast may take to end a command at its limit, and to close a connection: its defaults, not scaled. */
export const endingMs = 3_000
export const closeMs = 2_000
/** Who has reported nothing within this time is not waited for any longer. */
export const windowMs = 15_000
/** By how much a busy machine may wake us late without a promise counting as broken. */
export const slackMs = 1_000

export const notReported = `not within ${windowMs / 1000} s`

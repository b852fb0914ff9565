/** The constants of ext-ssh2, with its values. */
export const SSH2_FINGERPRINT_MD5 = 0x0000
export const SSH2_FINGERPRINT_SHA1 = 0x0001
export const SSH2_FINGERPRINT_HEX = 0x0000
export const SSH2_FINGERPRINT_RAW = 0x0002

export const SSH2_TERM_UNIT_CHARS = 0x0000
export const SSH2_TERM_UNIT_PIXELS = 0x0001

export const SSH2_DEFAULT_TERMINAL = 'vanilla'
export const SSH2_DEFAULT_TERM_WIDTH = 80
export const SSH2_DEFAULT_TERM_HEIGHT = 25
export const SSH2_DEFAULT_TERM_UNIT = 0x0000

export const SSH2_STREAM_STDIO = 0
export const SSH2_STREAM_STDERR = 1

/** Of `events` and `revents` of `ssh2_poll()`. */
export const SSH2_POLLIN = 0x0001
export const SSH2_POLLEXT = 0x0002
export const SSH2_POLLOUT = 0x0004

/** Of `revents` alone. */
export const SSH2_POLLERR = 0x0008
export const SSH2_POLLHUP = 0x0010
export const SSH2_POLLNVAL = 0x0020
export const SSH2_POLL_SESSION_CLOSED = 0x0010
export const SSH2_POLL_CHANNEL_CLOSED = 0x0080
export const SSH2_POLL_LISTENER_CLOSED = 0x0080

/** Of `fseek()`: PHP's own. */
export const SEEK_SET = 0
export const SEEK_CUR = 1
export const SEEK_END = 2

/** Of `scandir()`: PHP's own. */
export const SCANDIR_SORT_ASCENDING = 0
export const SCANDIR_SORT_DESCENDING = 1
export const SCANDIR_SORT_NONE = 2

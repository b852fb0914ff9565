/** Message numbers: RFC 4250 section 4.1.2, RFC 8308, and OpenSSH's PROTOCOL. */
export const messageNumber = {
  DISCONNECT: 1,
  IGNORE: 2,
  UNIMPLEMENTED: 3,
  DEBUG: 4,
  SERVICE_REQUEST: 5,
  SERVICE_ACCEPT: 6,
  EXT_INFO: 7,
  KEXINIT: 20,
  NEWKEYS: 21,
  USERAUTH_REQUEST: 50,
  USERAUTH_FAILURE: 51,
  USERAUTH_SUCCESS: 52,
  USERAUTH_BANNER: 53,
  GLOBAL_REQUEST: 80,
  REQUEST_SUCCESS: 81,
  REQUEST_FAILURE: 82,
  CHANNEL_OPEN: 90,
  CHANNEL_OPEN_CONFIRMATION: 91,
  CHANNEL_OPEN_FAILURE: 92,
  CHANNEL_WINDOW_ADJUST: 93,
  CHANNEL_DATA: 94,
  CHANNEL_EXTENDED_DATA: 95,
  CHANNEL_EOF: 96,
  CHANNEL_CLOSE: 97,
  CHANNEL_REQUEST: 98,
  CHANNEL_SUCCESS: 99,
  CHANNEL_FAILURE: 100,
  PING: 192,
  PONG: 193,
} as const

/** Numbers 30 to 49 mean something else in each key exchange method, 60 to 79 in each authentication method. */
export const isKexMethodNumber = (number: number): boolean => number >= 30 && number <= 49

const nameOf = new Map<number, string>(Object.entries(messageNumber).map(([name, number]) => [number, name]))

/** By number, messages of authentication and of the connection protocol; the transport knows the others, or nobody does. */
export const isServiceNumber: readonly boolean[] = Array.from({ length: 256 }, (_, number) => {
  if (number < messageNumber.USERAUTH_REQUEST || number >= messageNumber.PING) return false
  return (number >= 60 && number <= 79) || nameOf.has(number)
})

/** The name of a message, for errors: `CHANNEL_DATA`, or `message 200` where it has none. */
export function messageName(number: number): string {
  return nameOf.get(number) ?? `message ${number}`
}

/** RFC 4253 section 11.1. */
export const disconnectReason = {
  HOST_NOT_ALLOWED_TO_CONNECT: 1,
  PROTOCOL_ERROR: 2,
  KEY_EXCHANGE_FAILED: 3,
  MAC_ERROR: 5,
  SERVICE_NOT_AVAILABLE: 7,
  PROTOCOL_VERSION_NOT_SUPPORTED: 8,
  HOST_KEY_NOT_VERIFIABLE: 9,
  CONNECTION_LOST: 10,
  BY_APPLICATION: 11,
  TOO_MANY_CONNECTIONS: 12,
  AUTH_CANCELLED_BY_USER: 13,
  NO_MORE_AUTH_METHODS_AVAILABLE: 14,
  ILLEGAL_USER_NAME: 15,
} as const

/** RFC 4254 section 5.1. */
export const openFailure = {
  ADMINISTRATIVELY_PROHIBITED: 1,
  CONNECT_FAILED: 2,
  UNKNOWN_CHANNEL_TYPE: 3,
  RESOURCE_SHORTAGE: 4,
} as const

/** Types of packets: draft-ietf-secsh-filexfer-02 section 3. */
export const packetType = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const

const nameOf = new Map<number, string>(Object.entries(packetType).map(([name, type]) => [type, name]))

/** The name of a packet, for errors: `SFTP DATA`, or `SFTP packet 90` where it has none. */
export function packetName(type: number): string {
  return `SFTP ${nameOf.get(type) ?? `packet ${type}`}`
}

/** What a STATUS says: section 7. */
export const status = {
  OK: 0,
  EOF: 1,
  NO_SUCH_FILE: 2,
  PERMISSION_DENIED: 3,
  FAILURE: 4,
  BAD_MESSAGE: 5,
  NO_CONNECTION: 6,
  CONNECTION_LOST: 7,
  OP_UNSUPPORTED: 8,
} as const

/** How OPEN opens a file: section 6.3. */
export const openFlag = { READ: 1, WRITE: 2, APPEND: 4, CREAT: 8, TRUNC: 16, EXCL: 32 } as const

/** The version of the protocol that is spoken here: the one that OpenSSH speaks, and with it nearly everybody. */
export const protocolVersion = 3

/** An extension, as VERSION names it, and the version of it that is meant here (OpenSSH PROTOCOL section 4). */
export const extensions = {
  posixRename: ['posix-rename@openssh.com', '1'],
  statvfs: ['statvfs@openssh.com', '2'],
  fstatvfs: ['fstatvfs@openssh.com', '2'],
  hardlink: ['hardlink@openssh.com', '1'],
  fsync: ['fsync@openssh.com', '1'],
  lsetstat: ['lsetstat@openssh.com', '1'],
  limits: ['limits@openssh.com', '1'],
  expandPath: ['expand-path@openssh.com', '1'],
  copyData: ['copy-data', '1'],
  homeDirectory: ['home-directory', '1'],
  usersGroupsById: ['users-groups-by-id@openssh.com', '1'],
} as const

export type Extension = keyof typeof extensions

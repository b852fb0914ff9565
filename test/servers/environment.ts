/** Where Debian has its programs; an ordinary user's PATH often lacks the half of them. */
const systemDirectories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export const programDirectories: readonly string[] = [
  ...new Set([...(process.env['PATH'] ?? '').split(':'), ...systemDirectories]),
]

/** This process's environment, with a PATH on which every installed tool is found. */
export const toolEnvironment: Readonly<Record<string, string | undefined>> = {
  ...process.env,
  PATH: programDirectories.join(':'),
}

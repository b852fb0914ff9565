import type { ConnectOptions } from '../options.js'

/**
 * What ssh_config says, with what the program gave over it: in groups of options, each field counts for itself. The host is
 * the one that ssh_config names.
 */
export function merge(configured: ConnectOptions, given: ConnectOptions): ConnectOptions {
  const { host, ...rest } = configured
  const { hostKey, algorithms, limits, rekey, socket, keepalive } = given
  return {
    ...omit(rest, crowdedOut(given)),
    ...given,
    host,
    hostKey: { ...configured.hostKey, ...defined(hostKey) },
    algorithms: { ...configured.algorithms, ...defined(algorithms) },
    limits: { ...configured.limits, ...defined(limits) },
    rekey: { ...configured.rekey, ...defined(rekey) },
    socket: { ...socketOf(configured, given), ...defined(socket) },
    keepalive: keepalive === false ? false : { ...keepaliveOf(configured), ...defined(keepalive) },
  }
}

/** One that was given leaves no room for another of the same purpose: two ways, two families, two sets of keys. */
function crowdedOut(given: ConnectOptions): readonly (keyof ConnectOptions)[] {
  const { proxyCommand, proxyJump, stream, privateKey, identityFiles } = given
  return [
    ...((proxyCommand ?? proxyJump ?? stream) ? (['proxyCommand', 'proxyJump'] as const) : []),
    ...((privateKey ?? identityFiles) ? (['identityFiles', 'certificateFiles'] as const) : []),
  ]
}

function socketOf({ socket }: ConnectOptions, given: ConnectOptions): ConnectOptions['socket'] {
  if (given.socket?.localAddress === undefined && given.socket?.family === undefined) return socket
  // An address that was given decides the family, and a family the address.
  return { attempts: socket?.attempts }
}

function keepaliveOf({ keepalive }: ConnectOptions): Exclude<ConnectOptions['keepalive'], false> {
  return keepalive === false ? {} : keepalive
}

function omit(options: ConnectOptions, names: readonly (keyof ConnectOptions)[]): ConnectOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.some((each) => each === name)))
}

/** A field that is undefined was not given. */
function defined<Group extends object>(group: Group | undefined): Partial<Group> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.entries forgets the names
  return Object.fromEntries(Object.entries(group ?? {}).filter(([, value]) => value !== undefined)) as Partial<Group>
}

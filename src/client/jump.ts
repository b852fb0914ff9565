import { asHoldfastError, HoldfastError } from '../errors.js'
import { Client } from './client.js'
import { configure } from './config/configure.js'
import type { Face } from './new-connection.js'
import type { ConnectOptions, Hop } from './options.js'
import { gatherOptions, resolveSettings } from './settings.js'
import { blame, rootOf, Way } from './way.js'

/** ssh_config can send each hop through a further one, in a circle too. */
const maxDepth = 8

/** A host on the way of this connection: how it is reached itself, and how many are before it. */
interface Leg {
  readonly before: Way | undefined
  readonly depth: number
  /** Of the connection itself, not of its hops. */
  readonly face?: Face | undefined
}

const directly: Leg = { before: undefined, depth: 0 }

/**
 * Connects, over hops where there are any: each is a connection with options, keepalive and limits of its own.
 * @throws HoldfastError as `connect`
 */
export async function openClient(options: ConnectOptions, { before, depth, face }: Leg = directly): Promise<Client> {
  const configured = await configure(options, before === undefined)
  const way = before ?? (await openWay(configured.options, depth))
  try {
    const openAnew = (signal: AbortSignal) => openWay({ ...configured.options, signal }, depth)
    return await Client.open(resolveSettings(configured, way), openAnew, face)
  } catch (error) {
    // Where there was no client to do it.
    void way?.release()
    throw error
  }
}

async function openWay(target: ConnectOptions, depth: number): Promise<Way | undefined> {
  const { proxyJump = [] } = target
  const hops: readonly Hop[] = Array.isArray(proxyJump) ? proxyJump : [proxyJump]
  if (hops.length > 0 && depth === maxDepth) throw wrong('the hops lead through hops without end, as ssh_config has it')
  for (const hop of hops.slice(1)) checkFurther(hop)
  let way: Way | undefined
  for (const hop of hops) way = await openHop(hop, target, { before: way, depth: depth + 1 })
  return way
}

/** What comes after the first is reached through the one before, and in no other way. */
function checkFurther(hop: Hop): void {
  if (hop instanceof Client) throw wrong('a Client is connected already, and so can only be the first hop')
  checkCopy(hop)
  if (typeof hop === 'string') return
  const { proxyJump, proxyCommand, stream } = hop
  if ((proxyJump ?? proxyCommand ?? stream) !== undefined)
    throw wrong('only the first hop can be reached in a way of its own')
}

/** What a Client of another version has inside is not known here. */
function checkCopy(hop: Hop): void {
  if (typeof hop === 'string' || !('connectTo' in hop) || typeof hop.connectTo !== 'function') return
  throw wrong(
    'it is a Client of another copy of holdfast, as two folders node_modules have them: give the option stream, with a ' +
      'function that calls its connectTo()',
  )
}

async function openHop(hop: Hop, target: ConnectOptions, leg: Leg): Promise<Way> {
  const { before } = leg
  if (hop instanceof Client) return throughClient(hop, target)
  checkCopy(hop)
  const options = optionsOf(hop, target)
  if (options.reconnect !== undefined && options.reconnect !== false)
    throw wrong('a hop has no reconnect of its own: it is dialled again with the target')
  try {
    const client = await openClient(options, leg)
    return new Way(client, { name: nameOf(client.stats()), isOurs: true, before })
  } catch (error) {
    void before?.release()
    const cause = asHoldfastError(error)
    throw blame(rootOf(cause), cause.hop ?? nameOf(options), nameOf(target))
  }
}

/** The program's own: neither dialled nor closed here. */
function throughClient(hop: Client, target: ConnectOptions): Way {
  const name = nameOf(hop.stats())
  if (hop.state !== 'closed') return new Way(hop, { name, isOurs: false, before: undefined })
  const message = `the hop ${name} on the way to ${nameOf(target)} is a Client that has been closed`
  throw new HoldfastError('ERR_SSH_CLOSED', message, { phase: 'tcp', host: nameOf(target), hop: name })
}

/** What is only a name is reached as ssh would; of its target it has how patient to be, and no secret. */
function optionsOf(
  hop: string | ConnectOptions,
  { config, keepalive, limits, signal }: ConnectOptions,
): ConnectOptions {
  if (typeof hop === 'string') return gatherOptions(hop, { config, keepalive, limits, signal })
  return gatherOptions(hop, { signal: either(hop.signal, signal) })
}

/** A hop ends by its own signal and by that of its target. */
function either(own: AbortSignal | undefined, target: AbortSignal | undefined): AbortSignal | undefined {
  return own === undefined || target === undefined ? (own ?? target) : AbortSignal.any([own, target])
}

function nameOf({ host = '', port = 22 }: { readonly host?: string | undefined; readonly port?: number | undefined }) {
  return `${host}:${port}`
}

function wrong(problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `proxyJump: ${problem}`, { phase: 'options' })
}

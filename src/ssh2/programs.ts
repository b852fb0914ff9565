import type { Link } from '../client/link.js'
import type { Channel as CoreChannel } from '../connection/channel.js'
import { HoldfastError } from '../errors.js'
import { encodeStart } from '../wire/session-messages.js'
import { Channel } from './channel.js'
import { encodePty, encodeX11, noData, type PseudoTtyOptions, requestEnv, type X11Options } from './channel-requests.js'
import { callError, openingError, ssh2Error } from './errors.js'
import { hasCommandLimits, startLimited } from './limited-program.js'
import type { Peer } from './peer.js'
import { type Program, refusal } from './program.js'

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Whether it gets a terminal. @default false */
  readonly pty?: boolean | PseudoTtyOptions
  readonly x11?: boolean | number | X11Options
  readonly agentForward?: boolean
  /** @default true */
  readonly allowHalfOpen?: boolean
}

export interface ShellOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly x11?: boolean | number | X11Options
  readonly agentForward?: boolean
}

/** What `shell()` is asked for: window and options, either of which may be left out. */
export function shellProgram(window: unknown, further: unknown): Program {
  const [first, second] = [window, further].map((argument) => (typeof argument === 'function' ? undefined : argument))
  const isOptions = typeof first === 'object' && first !== null && ('x11' in first || 'env' in first)
  const { env, x11, agentForward }: ShellOptions = objectOf(isOptions ? first : second) ?? {}
  return { type: 'shell', env, pty: isOptions || first === undefined ? true : first, x11, agentForward }
}

function objectOf(value: unknown): ShellOptions | undefined {
  return typeof value === 'object' && value !== null ? value : undefined
}

/** @throws Ssh2Error with the texts of ssh2 */
export async function startProgram(peer: Peer, client: object, program: Program): Promise<Channel> {
  const link = await peer.ready.catch((error: unknown) => Promise.reject(openingError(error)))
  const stream = new Channel(peer.channelHost(client), 'session', program.allowHalfOpen ?? true)
  if (hasCommandLimits(link)) {
    await startLimited(link, stream, program, forwardsAgent(peer, program))
    stream.subtype = program.type
    return stream
  }
  const channel = await openChannel(link, 'session', noData, stream)
  try {
    await prepare(peer, link, channel, stream, program)
    const data = program.text === undefined ? noData : encodeStart(program.text)
    await request(channel, program.type, data, refusal(program))
  } catch (error) {
    stream.close()
    throw error
  }
  stream.subtype = program.type
  return stream
}

/** @throws Ssh2Error `(SSH) Channel open failure: …`, with `reason` */
export async function openChannel(link: Link, type: string, data: Buffer, stream: Channel): Promise<CoreChannel> {
  try {
    return await link.connection.open(type, data, (channel) => stream.attach(channel))
  } catch (error) {
    throw openingError(error)
  }
}

async function prepare(peer: Peer, link: Link, channel: CoreChannel, stream: Channel, program: Program): Promise<void> {
  const { env, pty, x11 } = program
  if (forwardsAgent(peer, program)) await lendAgent(link, channel)
  requestEnv(channel, env)
  if (isWanted(pty)) await request(channel, 'pty-req', encodePty(pty), 'Unable to request a pseudo-terminal')
  if (!isWanted(x11)) return
  await request(channel, 'x11-req', encodeX11(x11), 'Unable to request X11')
  stream.once('close', peer.forwards.addX11())
}

function forwardsAgent({ plan }: Peer, { agentForward }: Program): boolean {
  return plan.forwardsAgent || (agentForward === true && plan.credentials.agent !== undefined)
}

function isWanted(option: unknown): boolean {
  return option === true || (typeof option === 'object' && option !== null)
}

/** sshd grants the agent to the first session that asks, and lets all others use it. */
const lent = new WeakSet<Link>()

async function lendAgent(link: Link, channel: CoreChannel): Promise<void> {
  const { agentForward } = link
  if (lent.has(link) || !agentForward.offer()) return
  lent.add(link)
  try {
    await channel.request('auth-agent-req@openssh.com', noData)
    agentForward.answered(true)
  } catch (error) {
    lent.delete(link)
    if (error instanceof HoldfastError && error.code === 'ERR_SSH_REQUEST_REFUSED') agentForward.answered(false)
    throw callError(error, ssh2Error('Unable to request agent forwarding'))
  }
}

async function request(channel: CoreChannel, type: string, data: Buffer, refused: string): Promise<void> {
  try {
    await channel.request(type, data)
  } catch (error) {
    throw callError(error, ssh2Error(refused))
  }
}

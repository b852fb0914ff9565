import type { Socket } from 'node:net'
import { ClientAuthentication } from '../auth/client.js'
import type { AuthPort } from '../auth/port.js'
import { Connection } from '../connection/connection.js'
import type { Facts } from '../connection/facts.js'
import type { ConnectionHost } from '../connection/host.js'
import type { OpenDecision } from '../connection/mux.js'
import type { Authenticator } from '../connection/services.js'
import { diagnostics } from '../diagnostics.js'
import { type AgentForward, agentChannelType } from '../forward/agent-forward.js'
import type { KeyRules } from '../keys/key-types/key-type.js'
import { probeMemory } from '../liveness/probe-memory.js'
import { printableLines } from '../wire/printable.js'
import type { HostTrust } from './host-trust.js'
import { identification } from './identification.js'
import type { Identity } from './identity.js'
import type { Link } from './link.js'
import { nodeEnvironment } from './node-environment.js'
import type { LinkSettings } from './settings.js'
import type { Timing } from './timing.js'

/** RFC 4254 section 5.2. A larger window makes sshd itself slow; a smaller one makes a far server slow. */
const windowBytes = 2 * 1024 * 1024
/** What it grows to on a far link that is fast: 5 Gbit/s at 50 ms. */
const windowMax = 32 * 1024 * 1024

/** What comes of a peer besides the answers to what it was asked. */
export interface PeerEvents {
  banner(text: string): void
  globalRequest(name: string, data: Buffer): void
  channelOpen(type: string, data: Buffer): OpenDecision
}

/** What the face of another library does in its own way. */
export interface Face {
  /** Who we say we are; undefined for what Holdfast says. */
  readonly identification: string | undefined
  /** Who has logged in; undefined for the user that the options name. */
  readonly username: string | undefined
  /** How weak a host key may be; undefined for what Holdfast takes. */
  readonly keyRules: KeyRules | undefined
  /** Logs in, with what the program gave it. */
  authenticator(port: AuthPort): Authenticator
  /** The server wants to use the agent that was lent to it, and this is what we would do. */
  agentChannel?(decision: OpenDecision): OpenDecision
  /** The stream to the peer is open, and nothing was sent on it. */
  opened(socket: Socket | undefined): void
  /** Keys have been exchanged, for the first time or anew. */
  keysExchanged(link: Link): void
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly settings: LinkSettings
  readonly timing: Timing
  readonly facts: Facts
  readonly trust: HostTrust
  identity(): Identity
  readonly events: PeerEvents
  readonly face: Face | undefined
  agentForward(): AgentForward
  /** The keys are exchanged, and the host key is trusted. */
  authenticating(): void
}

/** A connection that has not begun yet. */
export function newConnection(parts: ConnectionParts, host: ConnectionHost): Connection {
  const { settings, timing, facts, trust, events, face } = parts
  const { algorithms, limits, rekey, keepalive } = settings
  const { deadlines, waits } = timing
  return new Connection(
    {
      role: 'client',
      environment: nodeEnvironment,
      deadlines,
      waits,
      facts,
      identification: face?.identification ?? identification,
      algorithms: { ...algorithms, serverHostKey: trust.prefer(algorithms.serverHostKey) },
      limits,
      rekey,
      verifier: trust,
      authenticator: (port) => {
        parts.authenticating()
        return face?.authenticator(port) ?? authentication(port, parts)
      },
      handlers: {
        channelOpen: (type, data) => (type === agentChannelType ? agentChannel(parts) : events.channelOpen(type, data)),
        globalRequest: (name, data) => {
          events.globalRequest(name, data)
          return undefined
        },
      },
      keepalive,
      probeMemory: probeMemory.of(`${settings.host}:${settings.port}`),
      window: windowBytes,
      windowMax,
    },
    host,
  )
}

function agentChannel(parts: ConnectionParts): OpenDecision {
  const decision = parts.agentForward().channelOpen()
  return parts.face?.agentChannel?.(decision) ?? decision
}

function authentication(port: AuthPort, parts: ConnectionParts): ClientAuthentication {
  const { settings, facts, events } = parts
  const { username, limits } = settings
  const { ways, notes } = parts.identity()
  return new ClientAuthentication(port, {
    username,
    ways,
    notes,
    limits,
    onBanner: ({ message }) => events.banner(printableLines(message)),
    onWaiting: (waiting) => diagnostics.waiting(() => ({ ...facts.about, ...waiting })),
  })
}

import { createPrivateKey } from 'node:crypto'
import { ClientAuthentication } from '#src/auth/client.js'
import { ServerAuthentication } from '#src/auth/server.js'
import { HostTrust } from '#src/client/host-trust.js'
import { defaultLimits } from '#src/client/limits.js'
import type { PeerHandlers } from '#src/connection/mux.js'
import { defaultAlgorithms } from '#src/kex/algorithms.js'
import type { HostKeySigner, HostKeyVerifier } from '#src/kex/host-key.js'
import { privateKeyFrom } from '#src/keys/private-key.js'
import { defaultKeepalive } from '#src/liveness/settings.js'
import type { CoreOptions } from './core-end.js'

/** RFC 8410 section 7, up to the key's 32 bytes: the same seed makes the same key, so that a run can be replayed. */
const ed25519Head = Buffer.from('302e020100300506032b657004220420', 'hex')
const seed = Buffer.alloc(32, 'holdfast')

export const hostKey = privateKeyFrom(
  createPrivateKey({ key: Buffer.concat([ed25519Head, seed]), format: 'der', type: 'pkcs8' }),
  '',
  'the host key of the tests',
)

export const signer: HostKeySigner = {
  algorithms: ['ssh-ed25519'],
  hostKey: () => hostKey.publicKey.blob,
  sign: (algorithm, hash) => hostKey.sign(algorithm, hash),
}

/** What `hostKey.policy: 'off'` makes: it checks the proof, and trusts every host that has one. */
export const verifier: HostKeyVerifier = await HostTrust.load(
  { host: 'example.org', port: 22 },
  {
    knownHosts: [],
    policy: 'off',
    fingerprints: undefined,
    verify: undefined,
    update: false,
    enforced: { policy: false, fingerprints: false },
  },
)

/** Everything is refused. */
export const noHandlers: PeerHandlers = {
  channelOpen: () => ({ refuse: 1, description: 'nothing is accepted here' }),
  globalRequest: () => undefined,
}

const common = {
  limits: defaultLimits,
  rekey: { bytes: 2 ** 30, ms: 3_600_000 },
  handlers: noHandlers,
  window: 2 * 1024 * 1024,
  windowMax: 32 * 1024 * 1024,
}

/** The quickest of the default methods first: most tests are not about them. */
const algorithms = { ...defaultAlgorithms, kex: ['curve25519-sha256', ...defaultAlgorithms.kex] }

export const password = 'correct horse'

/** A client as `connect()` makes it, but for the keepalive's memory of a host, which no two tests share. */
export function clientOptions(options: Partial<CoreOptions> = {}): CoreOptions {
  const limits = options.limits ?? common.limits
  return {
    ...common,
    role: 'client',
    identification: 'SSH-2.0-Holdfast_client',
    algorithms,
    verifier,
    keepalive: defaultKeepalive,
    probeMemory: { deaf: new Set(), mute: false },
    authenticator: (port) =>
      new ClientAuthentication(port, {
        username: 'deploy',
        ways: [{ method: 'password', password }],
        limits: { ...defaultLimits, ...limits },
      }),
    ...options,
  }
}

/** A server that lets in whoever knows the password. */
export function serverOptions(options: Partial<CoreOptions> = {}): CoreOptions {
  return {
    ...common,
    role: 'server',
    identification: 'SSH-2.0-Holdfast_server',
    algorithms,
    signer,
    extensions: new Map([['ping@openssh.com', Buffer.from('0')]]),
    keepalive: { ...defaultKeepalive, interval: false },
    probeMemory: { deaf: new Set(), mute: false },
    authenticator: (port) =>
      new ServerAuthentication(port, {
        methods: ['password'],
        authenticate: async (attempt) =>
          attempt.method === 'password' && attempt.password === password ? 'accept' : 'refuse',
      }),
    ...options,
  }
}

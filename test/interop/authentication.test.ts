import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { connect } from '#src/client/connect.js'
import type { ConnectOptions } from '#src/client/options.js'
import type { Agent } from '#src/keys/agent.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { failsWith } from '../auth/support/errors.js'
import { scriptedAgent, startSshAgent } from '../keys/agent-programs.js'
import { run } from '../keys/openssh-tools.js'
import { skipReason } from '../servers/availability.js'
import { keyTypes } from '../servers/keys.js'
import { prepareSshd, type SshdOptions, type SshdServer, startSshd } from '../servers/sshd.js'

async function withServer(options: SshdOptions, body: (server: SshdServer) => Promise<void>): Promise<void> {
  const server = await startSshd(options)
  try {
    await body(server)
  } finally {
    await server.stop()
  }
}

/** Logs in and out again. */
async function logIn({ port, username }: SshdServer, options: ConnectOptions): Promise<void> {
  const ssh = await connect({ host: '127.0.0.1', port, username, agent: false, hostKey: { policy: 'off' }, ...options })
  await ssh.close()
}

/** An agent with this many keys that no server knows. */
function strangers(count: number): Agent {
  const keys = Array.from({ length: count }, () => generatePrivateKey('ssh-ed25519'))
  return {
    name: 'an agent of strangers',
    identities: async () => keys,
    sign: () => Promise.reject(new Error('nobody asked for that')),
  }
}

for (const version of ['9.2', '10'] as const) {
  const availability = await prepareSshd(version)

  describe(`authentication with OpenSSH ${version}`, { skip: skipReason(availability) }, () => {
    test('keys of every type, at once and after a question; a password', () =>
      withServer({ version }, async (server) => {
        for (const type of keyTypes) {
          const privateKey = await readFile(server.clientKeys[type].privateKey)
          await logIn(server, { privateKey })
          await logIn(server, { identityFiles: [server.clientKeys[type].privateKey], agent: strangers(1) })
        }
        await logIn(server, { password: server.password })
      }))

    test('certificates of every type', () =>
      withServer({ version, userCertificates: true, authorizedKeys: '' }, async (server) => {
        for (const type of keyTypes) {
          const { privateKey, certificate } = server.clientKeys[type]
          await logIn(server, { privateKey: await readFile(privateKey), certificate: await readFile(certificate) })
        }
      }))

    test('a key and a password, where the server wants both', () =>
      withServer({ version, config: { AuthenticationMethods: 'publickey,password' } }, async (server) => {
        const privateKey = await readFile(server.clientKeys.ed25519.privateKey)
        await logIn(server, { privateKey, password: server.password })
        await assert.rejects(
          logIn(server, { privateKey }),
          failsWith('ERR_SSH_AUTHENTICATION', /accepted, but the peer wants more; the peer offers password/),
        )
      }))

    test('a password and a key, where the server wants both', () =>
      withServer({ version, config: { AuthenticationMethods: 'password,publickey' } }, async (server) => {
        const privateKey = await readFile(server.clientKeys.ed25519.privateKey)
        await logIn(server, { privateKey, password: server.password })
      }))

    test('refusals: what was tried and what is offered', () =>
      withServer({ version }, async (server) => {
        await assert.rejects(
          logIn(server, { agent: strangers(1), password: 'wrong' }),
          failsWith(
            'ERR_SSH_AUTHENTICATION',
            /publickey ssh-ed25519 SHA256:\S+ \(an agent of strangers\): refused; password: refused/,
            /the peer offers publickey, password/,
          ),
        )
        await assert.rejects(
          logIn(server, { identityFiles: [] }),
          failsWith('ERR_SSH_AUTHENTICATION', /no way to authenticate .* the peer offers publickey, ?password/),
        )
      }))

    test('too many keys: the server’s words and the keys that used up its patience', () =>
      withServer({ version, config: { MaxAuthTries: 3 } }, async (server) => {
        await assert.rejects(
          logIn(server, { agent: strangers(4) }),
          failsWith('ERR_SSH_AUTHENTICATION', /Too many authentication failures/, /tried publickey ssh-ed25519/),
        )
      }))

    test('keys of an agent, all of them or only those that are named; and past an agent that never answers', (context) =>
      withServer({ version }, async (server) => {
        const agent = await startSshAgent(context)
        const files = keyTypes.map((type) => server.clientKeys[type])
        for (const { privateKey } of files) run('env', `SSH_AUTH_SOCK=${agent}`, 'ssh-add', '-q', privateKey)
        await logIn(server, { agent })
        for (const { publicKey } of files)
          await logIn(server, { agent, identityFiles: [publicKey], identitiesOnly: true })
        const silent = await scriptedAgent(context, () => {})
        const identityFiles = [server.clientKeys.ed25519.privateKey]
        await logIn(server, { agent: silent, identityFiles, limits: { agent: '200ms' } })
      }))

    test('keyboard-interactive over PAM: a person, and the password instead of one', () =>
      withServer(
        { version, config: { UsePAM: 'yes', KbdInteractiveAuthentication: 'yes', PasswordAuthentication: 'no' } },
        async (server) => {
          await logIn(server, { identityFiles: [], prompt: async ({ prompts }) => prompts.map(() => server.password) })
          await logIn(server, { password: server.password })
          await assert.rejects(
            logIn(server, { password: 'wrong' }),
            failsWith('ERR_SSH_AUTHENTICATION', /keyboard-interactive: refused/),
          )
        },
      ))

    test('what the server says before it refuses is in the error', () =>
      withServer({ version, banner: 'Only for staff\n' }, async (server) => {
        await assert.rejects(
          logIn(server, { password: 'wrong' }),
          failsWith('ERR_SSH_AUTHENTICATION', /the peer says 'Only for staff'/),
        )
      }))
  })
}

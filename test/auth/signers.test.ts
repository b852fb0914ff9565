import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentSigners, certifiedSigner, keySigner, lockedKeySigner } from '#src/auth/signers.js'
import type { Agent } from '#src/keys/agent.js'
import { certify } from './support/certificate.js'
import { failsWith } from './support/errors.js'
import { ecdsa, ed25519 } from './support/line.js'

const { signal } = new AbortController()

const agent: Agent = {
  name: 'the agent at /run/agent',
  identities: async () => [ed25519, ecdsa].map(({ publicKey, comment }) => ({ publicKey, comment })),
  sign: async (key, algorithm, data) => (key === ed25519.publicKey ? ed25519 : ecdsa).sign(algorithm, data),
}

test('an agent offers its keys in its own order, and signs with the one that is asked for', async () => {
  const signers = await agentSigners(agent, { chosen: [], others: 'after' }).signers(signal)
  assert.deepEqual(
    signers.map(({ publicKey, source, waitsOn }) => [publicKey.type, source, waitsOn]),
    [
      ['ssh-ed25519', agent.name, 'agent'],
      ['ecdsa-sha2-nistp256', agent.name, 'agent'],
    ],
  )
  const signature = await signers[1]?.sign('ecdsa-sha2-nistp256', Buffer.from('data'), signal)
  assert.ok(signature && ecdsa.publicKey.verify('ecdsa-sha2-nistp256', Buffer.from('data'), signature))
})

test('the keys that files name come first, or alone; a certificate names its key', async () => {
  const chosen = [{ publicKey: certify(ecdsa.publicKey, ed25519), certificates: [] }]
  const types = async (others: 'after' | 'unused') =>
    (await agentSigners(agent, { chosen, others }).signers(signal)).map(({ publicKey }) => publicKey.type)
  assert.deepEqual(await types('after'), ['ecdsa-sha2-nistp256', 'ssh-ed25519'])
  assert.deepEqual(await types('unused'), ['ecdsa-sha2-nistp256'])
})

test('a certificate beside a file is used with the key that the agent holds', async () => {
  const certificate = certify(ecdsa.publicKey, ed25519)
  const chosen = [{ publicKey: ecdsa.publicKey, certificates: [certificate] }]
  const signers = await agentSigners(agent, { chosen, others: 'unused' }).signers(signal)
  assert.deepEqual(
    signers.map(({ publicKey }) => publicKey.type),
    ['ecdsa-sha2-nistp256-cert-v01@openssh.com', 'ecdsa-sha2-nistp256'],
  )
  const signature = await signers[0]?.sign('ecdsa-sha2-nistp256', Buffer.from('data'), signal)
  assert.ok(signature && certificate.verify('ecdsa-sha2-nistp256', Buffer.from('data'), signature))
})

test('a certificate signs with the key that it is for', async () => {
  const certified = certifiedSigner(keySigner(ed25519, '~/.ssh/id'), certify(ed25519.publicKey, ecdsa))
  assert.equal(certified.publicKey.type, 'ssh-ed25519-cert-v01@openssh.com')
  const signature = await certified.sign('ssh-ed25519', Buffer.from('data'), signal)
  assert.ok(ed25519.publicKey.verify('ssh-ed25519', Buffer.from('data'), signature))
})

test('a certificate of another key, or what is none, is refused by name', () => {
  const signer = keySigner(ed25519, '~/.ssh/id')
  const other = certify(ecdsa.publicKey, ecdsa)
  assert.throws(
    () => certifiedSigner(signer, other),
    failsWith('ERR_SSH_KEY', /given for ~\/\.ssh\/id is for the key SHA256/),
  )
  assert.throws(
    () => certifiedSigner(signer, ed25519.publicKey),
    failsWith('ERR_SSH_KEY', /is no certificate but a ssh-ed25519 key/),
  )
})

test('a locked key is unlocked when it signs, not before', async () => {
  const unlocked: string[] = []
  const signer = lockedKeySigner(ed25519.publicKey, '~/.ssh/id', async () => {
    unlocked.push('now')
    return ed25519
  })
  assert.deepEqual([signer.waitsOn, unlocked], ['person', []])
  const signature = await signer.sign('ssh-ed25519', Buffer.from('data'), signal)
  assert.ok(ed25519.publicKey.verify('ssh-ed25519', Buffer.from('data'), signature))
  assert.deepEqual(unlocked, ['now'])
})

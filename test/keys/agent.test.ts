import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import { decodeIdentities, decodeSignature, encodeIdentitiesRequest, encodeSignRequest } from '#src/keys/agent.js'
import { agentFrames } from '#src/keys/agent-messages.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { Writer } from '#src/wire/writer.js'

const key = generatePrivateKey('ssh-rsa')
const { publicKey } = key
const data = Buffer.from('what is signed')

test('requests, byte by byte: the flags ask for SHA-2', () => {
  assert.equal(encodeIdentitiesRequest().toString('hex'), '0b')
  const flags = (algorithm: string) => encodeSignRequest(publicKey, algorithm, data).subarray(-4).readUInt32BE()
  assert.deepEqual(['rsa-sha2-256', 'rsa-sha2-512', 'ssh-rsa'].map(flags), [2, 4, 0])
  assert.equal(flags('rsa-sha2-512-cert-v01@openssh.com'), 4)
  const request = encodeSignRequest(publicKey, 'rsa-sha2-256', data)
  assert.deepEqual(request, new Writer().byte(13).string(publicKey.blob).string(data).uint32(2).finish())
})

test('a list of keys is read', () => {
  const list = new Writer().byte(12).uint32(1).string(publicKey.blob).string('a comment').finish()
  const [identity] = decodeIdentities(list, 'the agent')
  assert.deepEqual([identity?.publicKey.blob, identity?.comment], [publicKey.blob, 'a comment'])
})

test('a signature for a certificate is by the plain algorithm', () => {
  const signature = key.sign('rsa-sha2-512', data)
  const answer = new Writer().byte(14).string(signature).finish()
  assert.deepEqual(decodeSignature(answer, 'rsa-sha2-512-cert-v01@openssh.com', 'the agent'), signature)
  const wrong = { code: 'ERR_SSH_AGENT', message: /signed by rsa-sha2-512, where rsa-sha2-256/ }
  assert.throws(() => decodeSignature(answer, 'rsa-sha2-256', 'the agent'), wrong)
})

test('no bytes make the decoders throw anything but ERR_SSH_AGENT', () => {
  const begin = fc.constantFrom([], [12, 0, 0, 0, 1], [12, 0, 0, 0, 2, 0, 0, 0, 1], [14, 0, 0, 0, 4], [5])
  fc.assert(
    fc.property(begin, fc.uint8Array({ maxLength: 100 }), (head, tail) => {
      const bytes = Buffer.from([...head, ...tail])
      onlyAgentErrors(() => decodeIdentities(bytes, 'the agent'))
      onlyAgentErrors(() => decodeSignature(bytes, 'ssh-ed25519', 'the agent'))
      onlyAgentErrors(() => [...agentFrames('the agent').push(bytes)])
    }),
  )
})

function onlyAgentErrors(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    assert.ok(error instanceof HoldfastError && error.code === 'ERR_SSH_AGENT')
  }
}

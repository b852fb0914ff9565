/** A server with a second host key that it can prove: what it announces makes a client send a global request with data. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { encodeHostKeys, encodeProofs, hostKeysRequest, proofRequest } from '#src/keys/host-key-rotation.js'
import { knownHostsName } from '#src/keys/known-hosts.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import {
  decodeGlobalRequest,
  encodeGlobalRequest,
  encodeRequestFailure,
  encodeRequestSuccess,
} from '#src/wire/connection-messages.js'
import { hostKey } from '../../../support/core/options.js'
import type { ScriptedConnection, ScriptedServer } from '../../scripted-server.js'

/** The server has two keys; the files know the first. */
export const secondKey = generatePrivateKey('ssh-ed25519')
export const ownKeys = [hostKey, secondKey]

/** What is asked for and not answered yet. */
export function heldNames({ held }: ScriptedConnection): string[] {
  return held.map((request) => decodeGlobalRequest(request).name)
}

export function announce({ peer }: ScriptedConnection): void {
  const keys = encodeHostKeys(ownKeys.map(({ publicKey }) => publicKey))
  peer.send(encodeGlobalRequest(hostKeysRequest, false, keys))
}

/** Answers the oldest request that is held: proofs are given, and a probe is refused, as every server does. */
export function answerOldest({ peer, held }: ScriptedConnection): void {
  const request = held.shift()
  if (request === undefined) throw new Error('the scripted server holds no request')
  const { name, data } = decodeGlobalRequest(request)
  const isProof = name === proofRequest && peer.sessionId !== undefined
  const proofs = isProof ? encodeProofs(data, ownKeys, peer.sessionId) : undefined
  peer.send(proofs === undefined ? encodeRequestFailure() : encodeRequestSuccess(proofs))
}

/** A file for one test that knows the server by its first key. */
export async function knownHostsFile(t: TestContext, { host, port }: ScriptedServer): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-lab-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'known_hosts')
  await writeFile(file, `${knownHostsName(host, port)} ssh-ed25519 ${blobOf(hostKey)}\n`)
  return file
}

export async function knows(file: string, key: typeof hostKey): Promise<boolean> {
  return (await readFile(file, 'utf8')).includes(blobOf(key))
}

function blobOf({ publicKey }: typeof hostKey): string {
  return publicKey.blob.toString('base64')
}

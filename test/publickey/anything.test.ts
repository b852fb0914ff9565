/** A subsystem that says anything: whoever called gets an answer or an error of ours, and the connection lives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import { encodeResponse, type Response } from '#src/publickey/messages.js'
import type { PublicKeys } from '#src/publickey/public-keys.js'
import { mutate } from '../fuzz/mutate.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { Random } from '../support/core/random.js'
import { asked, greeting, says, untilGone, withSubsystem } from './subsystem.js'

leavesNothing()

const seeds = 50
const key = { algorithm: 'ssh-ed25519', blob: Buffer.from('key') }

for (let seed = 1; seed <= seeds; seed++) {
  test(`a publickey subsystem that says anything, seed ${seed}`, async (t) => {
    const random = new Random(seed)
    const ssh = await withSubsystem(
      t,
      async (session) => {
        if (random.once(8)) return untilGone(session)
        says(session, random.once(8) ? mutate(encodeResponse(anything(random)), random) : greeting)
        for await (const _ of asked(session)) {
          if (random.once(10)) return untilGone(session)
          if (random.once(20)) return random.below(3)
          for (let left = random.below(5); left >= 0; left--) says(session, packet(random))
        }
        return 0
      },
      { limits: { reply: '400ms' } },
    )
    await ssh.publicKeys().then(
      (keys) => use(keys, random),
      (error: unknown) => assert.ok(isOurs(error), String(error)),
    )
    assert.ok((await ssh.keepalive.send()).rttMs >= 0)
  })
}

/** Ten calls at once. @throws AssertionError where one fails for something else than an error of ours */
async function use(keys: PublicKeys, random: Random): Promise<void> {
  const kinds: readonly (() => Promise<unknown>)[] = [
    () => keys.add(key, { overwrite: true }),
    () => keys.remove(key),
    () => keys.list(),
    () => keys.listAttributes(),
  ]
  const settled = await Promise.allSettled(Array.from({ length: 10 }, () => random.pick(kinds)()))
  for (const outcome of settled)
    if (outcome.status === 'rejected') assert.ok(isOurs(outcome.reason), String(outcome.reason))
}

function isOurs(error: unknown): boolean {
  return error instanceof HoldfastError && error.code !== 'ERR_SSH_INTERNAL'
}

function packet(random: Random): Buffer {
  const bytes = encodeResponse(anything(random))
  return random.once(10) ? mutate(bytes, random) : bytes
}

function anything(random: Random): Response {
  const text = () => random.bytes(random.below(20)).toString('latin1')
  return random.pick<Response>([
    { type: 'version', version: random.below(4) },
    { type: 'status', code: random.below(12), description: text() },
    { type: 'status', code: 0, description: '' },
    { type: 'status', code: 0, description: '' },
    {
      type: 'publickey',
      key: {
        algorithm: random.pick(['ssh-rsa', '', 'ä']),
        blob: random.bytes(random.below(5000)),
        attributes: Array.from({ length: random.below(4) }, () => ({ name: text(), value: text() })),
      },
    },
    { type: 'attribute', attribute: { name: text(), isCompulsory: random.once(2) } },
  ])
}

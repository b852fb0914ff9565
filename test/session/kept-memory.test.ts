import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Client, Command } from 'holdfast'
import { Deferred } from '#src/liveness/deferred.js'
import { client, server } from '../promises/support/embedded.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function untilGone(refs: readonly WeakRef<object>[]): Promise<void> {
  while (refs.some((ref) => ref.deref() !== undefined)) {
    // What a promise that has just settled holds on to is let go a turn later.
    await new Promise(setImmediate)
    collect()
  }
}

class Caller {
  readonly secret = Buffer.from('secret')

  async spawn(ssh: Client): Promise<Command> {
    return ssh.spawn(`test ${this.secret.length} = 6`)
  }
}

async function spawned(ssh: Client): Promise<readonly [Command, WeakRef<object>]> {
  const caller = new Caller()
  return [await caller.spawn(ssh), new WeakRef(caller)]
}

test('a command that has ended keeps nothing of whoever called for it', { timeout: 60_000 }, async (t) => {
  const [command, caller] = await spawned(await client(t, await server(t)))
  command.stdin.end()
  assert.equal((await command.exited).exitCode, 0)
  await untilGone([caller])
  assert.equal(command.stdout.readableEnded, false)
})

test('a command keeps nothing of its input once that was sent', { timeout: 60_000 }, async (t) => {
  const read: number[] = []
  const ends = new Deferred<number>()
  const exec = async ({ stdin }: { readonly stdin: NodeJS.ReadableStream }): Promise<number> => {
    read.push((await text(stdin)).length)
    return ends.promise
  }
  const ssh = await client(t, await server(t, { exec }))
  const encoded: WeakRef<object>[] = []
  const from = Buffer.from.bind(Buffer)
  const length = 10_000_000
  const { mock } = t.mock.method(Buffer, 'from', (...args: Parameters<typeof from>) => {
    const bytes = from(...args)
    if (bytes.length === length) encoded.push(new WeakRef(bytes))
    return bytes
  })
  const result = ssh.exec('reads', { stdin: 'x'.repeat(length) })
  while (read.length === 0) await new Promise(setImmediate)
  mock.restore()
  // It has kept what was made.
  mock.resetCalls()
  assert.deepEqual([read, encoded.length], [[length], 1])
  await untilGone(encoded)
  ends.resolve(0)
  assert.equal((await result).exitCode, 0)
})

import assert from 'node:assert/strict'
import type { Client, ErrorCode, HoldfastError } from 'holdfast'
import { assertWithin, failure } from '../../../promises/support/outcome.js'
import { socketsTo } from '../../../promises/support/sockets.js'
import type { Watch } from '../../row.js'
import { boundMs, due, slackMs } from './scene.js'

/**
 * Everything that waits fails with one cause, which is the end of the connection, and the kernel keeps nothing of it.
 * Call it when the fault begins.
 * @param within least and most milliseconds from the fault
 */
export async function allFail(
  ssh: Client,
  pending: readonly Promise<unknown>[],
  { code, within, watch }: { code: ErrorCode; within: readonly [least: number, most: number]; watch?: Watch },
): Promise<HoldfastError> {
  const { host, port } = ssh.stats()
  const since = performance.now()
  const settled = Promise.all(pending.map(failure))
  const reason = await ssh.closed
  const ms = performance.now() - since
  watch?.outcome({ kind: 'reported', ms, text: reason.code })
  assert.deepEqual([reason.code, reason.phase], [code, 'ready'])
  assertWithin(ms, within)
  for (const { error, tookMs } of await settled) {
    assert.ok(error === reason || error.cause === reason, String(error))
    assertWithin(tookMs, within)
  }
  assert.deepEqual(await socketsTo(port, host), [])
  return reason
}

/** The same by the verdict on a silent peer, which counts from its last packet. */
export async function peerIsDead(
  ssh: Client,
  pending: readonly Promise<unknown>[],
  watch?: Watch,
): Promise<HoldfastError> {
  const reason = await allFail(ssh, pending, { code: 'ERR_SSH_PEER_DEAD', within: due, ...(watch && { watch }) })
  assertWithin(reason.evidence?.lastHeardMs ?? Number.NaN, [boundMs, boundMs + slackMs])
  assert.equal(ssh.liveness.state, 'dead')
  return reason
}

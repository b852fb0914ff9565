import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Remarks } from '#src/connection/remarks.js'

function forced(...texts: readonly string[]): boolean {
  const remarks = new Remarks()
  for (const text of texts) remarks.came(text)
  return remarks.forcesCommand
}

const says = '/home/deploy/.ssh/authorized_keys:1: key options: agent-forwarding command pty user-rc'

test('sshd says itself that a key forces a command, as measured on 9.2 and 10', () => {
  assert.ok(forced(says))
  assert.ok(!forced('/home/deploy/.ssh/authorized_keys:1: key options: agent-forwarding port-forwarding pty user-rc'))
  assert.ok(!forced('/home/command/.ssh/authorized_keys:1: key options: pty'))
})

test('nothing that is said before or after can hide that', () => {
  const chatter = Array.from({ length: 100 }, (_, n) => `remark ${n}`)
  assert.ok(forced(...chatter, says))
  assert.ok(forced(says, ...chatter))
})

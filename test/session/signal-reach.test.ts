import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSshVersion, signalReach } from '#src/session/signal-reach.js'

const ordinary = { peer: 'OpenSSH_9.2p1 Debian-2', username: 'deploy', isForced: false, program: 'exec' } as const

const asRoot = (peer: string) => signalReach({ ...ordinary, peer, username: 'root' }).kind

test('signals pass for an ordinary user of sshd', () => {
  assert.equal(signalReach(ordinary).kind, 'passes')
  assert.equal(signalReach({ ...ordinary, program: 'shell' }).kind, 'passes')
})

test('they are dropped for a subsystem, a forced command, and root before 9.8', () => {
  for (const peer of ['OpenSSH_9.2p1', 'OpenSSH_9.7', 'OpenSSH_10.0p2']) {
    assert.equal(signalReach({ ...ordinary, peer, program: 'subsystem' }).kind, 'drops')
    assert.equal(signalReach({ ...ordinary, peer, isForced: true }).kind, 'drops')
  }
  assert.deepEqual(['OpenSSH_7.9', 'OpenSSH_9.7p1', 'OpenSSH_9.8p1', 'OpenSSH_9.10', 'OpenSSH_10.0'].map(asRoot), [
    'drops',
    'drops',
    'passes',
    'passes',
    'passes',
  ])
})

test('sshd before 7.9 knows none, and of other servers nothing is known', () => {
  assert.equal(signalReach({ ...ordinary, peer: 'OpenSSH_7.8' }).kind, 'drops')
  for (const peer of ['', 'dropbear_2022.83', 'AsyncSSH_2.10']) {
    assert.equal(openSshVersion(peer), undefined)
    assert.equal(signalReach({ ...ordinary, peer }).kind, 'unknown')
  }
})

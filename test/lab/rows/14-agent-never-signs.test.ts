import assert from 'node:assert/strict'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { connect } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { type Agent, startAgent } from '../../servers/agent.js'
import { prepareSshd, type SshdServer } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'
import type { PeerSettings } from '../peers/peer.js'
import { lab, noteSettled, type PeerRun, row } from '../row.js'

leavesNothing()

const limitMs = lab.full ? 5000 : 1500

row({
  number: 14,
  failure: 'the agent accepts and never signs',
  expected: 'Bounds the agent by itself, and goes on with the next way to authenticate.',
  how: 'SIGSTOP to ssh-agent: its kernel accepts; each client has a password as well, for after the agent',
  bound: 'goes on after 5 s, the default of the limit `agent`',
  code: 'none: authenticated by the next method; without one ERR_SSH_AUTHENTICATION, which names the agent',
  scale: { short: 'with the limit at 1.5 s', full: 'with the default limit' },
  needs: () => prepareSshd('9.2'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '9.2' })
    const { host, port, username, password } = server
    const agent = await stoppedAgent(t, server)
    const limits = lab.full ? {} : { agent: limitMs }
    const options = { host, port, username, agent: agent.socket, hostKey: { policy: 'off' }, limits } as const
    watch.fault('a login with the agent that is stopped')
    const since = performance.now()
    const hopeless = failure(connect({ ...options, identityFiles: [] }))
    const ssh = await connect({ ...options, password })
    const tookMs = performance.now() - since
    watch.outcome({ kind: 'kept', ms: tookMs, text: 'authenticated by password' })
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
    await ssh.close()
    assertWithin(tookMs, [limitMs, limitMs + 2500])
    const { error, tookMs: failedMs } = await hopeless
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_AUTHENTICATION', 'authentication'])
    assert.ok(error.message.includes(agent.socket), error.message)
    assertWithin(failedMs, [limitMs, limitMs + 2500])
  },
  peers: {
    // Left alone it tries the password first.
    ssh2: watchPeer((agent) => ({ agent, authHandler: ['none', 'agent', 'password'] })),
    openssh: watchPeer((agent) => ({ IdentityAgent: agent, PubkeyAuthentication: 'yes' })),
  },
})

function watchPeer(settings: (agent: string) => PeerSettings): PeerRun {
  return async (t, client, watch) => {
    const server = await sshd(t, { version: '9.2' })
    const { host, port, username, password } = server
    const { socket } = await stoppedAgent(t, server)
    watch.fault('a login with the agent that is stopped')
    const peer = client.start({ host, port, username, password }, { job: 'idle' }, settings(socket))
    const settled = await peer.settled(30_000)
    const ready = peer.events.find(({ event }) => event === 'ready')
    if (ready === undefined) noteSettled(watch, settled, 30_000)
    else watch.outcome({ kind: 'kept', ms: watch.since(ready.at), text: 'authenticated by password' })
  }
}

async function stoppedAgent(t: TestContext, { clientKeys }: SshdServer): Promise<Agent> {
  const agent = await startAgent([clientKeys.ed25519.privateKey])
  t.after(() => agent.stop())
  process.kill(agent.pid, 'SIGSTOP')
  return agent
}

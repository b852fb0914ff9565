import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ConnectOptions, connect } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { type Agent, startAgent } from '../../servers/agent.js'
import { prepareSshd, type SshdServer } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'
import type { PeerSettings } from '../peers/peer.js'
import { lab, type PeerRun, row } from '../row.js'

leavesNothing()

/** Longer than what an agent and a whole connection are given, but for a person's time. */
const decisionMs = lab.full ? 30_000 : 4000
const promptMs = 3000
const limits = lab.full ? { connect: '20s' } : { connect: '3s', agent: '1s' }

row({
  number: 51,
  failure: 'the agent waits for a person to confirm',
  expected:
    'Gives it a person’s time, which is bounded too, does not count that for the peer, and says what it waits for.',
  how: '`ssh-add -c`: the agent asks by a program that answers after 30 s, or never; ssh2 with its default `readyTimeout`, 20 s',
  bound: 'given up after 2 min, the default of the limit `prompt`',
  code: 'none: authenticated; without an answer ERR_SSH_AUTHENTICATION, which names the agent',
  scale: { short: 'the person takes 4 s', full: 'the person takes 30 s' },
  needs: () => prepareSshd('10'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '10' })
    const waits: string[] = []
    const listens = (message: unknown) => waits.push(JSON.stringify(message))
    subscribe('holdfast:waiting', listens)
    t.after(() => unsubscribe('holdfast:waiting', listens))
    const decided = await confirmingAgent(t, server, `sleep ${decisionMs / 1000}`)
    const silent = await confirmingAgent(t, server, 'sleep 3000')

    watch.fault('the agent asks its owner')
    const since = performance.now()
    const neverDecided = failure(connect(withAgent(server, silent, { ...limits, agent: '1s', prompt: promptMs })))
    const ssh = await connect(withAgent(server, decided, limits))
    const tookMs = performance.now() - since
    watch.outcome({ kind: 'kept', ms: tookMs, text: 'waited for the person, and said so' })
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
    await ssh.close()
    assertWithin(tookMs, [decisionMs - 100, decisionMs + 3000])

    const { error, tookMs: gaveUpMs } = await neverDecided
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_AUTHENTICATION', 'authentication'])
    assert.ok(error.message.includes(silent.socket), error.message)
    assertWithin(gaveUpMs, [1000 + promptMs, 1000 + promptMs + 2500])
    assert.equal(waits.length, 2)
    for (const { socket } of [decided, silent]) {
      assert.ok(waits.some((said) => said.includes(`the signature by ssh-ed25519`) && said.includes(socket)))
    }
  },
  peers: {
    // Its default, and the whole login's limit of Holdfast here.
    ssh2: watchPeer((agent) => ({ agent, readyTimeout: 20_000 })),
    openssh: watchPeer((agent) => ({ IdentityAgent: agent, PubkeyAuthentication: 'yes' })),
  },
})

function watchPeer(settings: (agent: string) => PeerSettings): PeerRun {
  return async (t, client, watch) => {
    const server = await sshd(t, { version: '10' })
    const { host, port, username } = server
    const { socket } = await confirmingAgent(t, server, `sleep ${decisionMs / 1000}`)
    watch.fault('the agent asks its owner')
    const job = { job: 'exec', command: 'echo here' } as const
    const peer = client.start({ host, port, username }, job, settings(socket))
    const settled = await peer.settled(decisionMs + 10_000)
    if (peer.events.some(({ event }) => event === 'ready'))
      watch.outcome({ kind: 'kept', text: 'waited for the person' })
    else if (settled === 'never') watch.outcome({ kind: 'never', text: 'the login did not end' })
    else watch.outcome({ kind: 'failed', ms: watch.since(settled.at), text: `did not wait: ${settled.text}` })
  }
}

/** An agent with a key that is to be confirmed, which a program does instead of a person. */
async function confirmingAgent(t: TestContext, server: SshdServer, decide: string): Promise<Agent> {
  const program = join(server.directory, `ask-${decide.replace(' ', '-')}`)
  await writeFile(program, `#!/bin/sh\n${decide}\n`)
  await chmod(program, 0o755)
  const agent = await startAgent([], { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' })
  t.after(() => agent.stop())
  await agent.add(server.clientKeys.ed25519.privateKey, '-c')
  return agent
}

function withAgent(server: SshdServer, agent: Agent, limitOptions: ConnectOptions['limits']): ConnectOptions {
  const { host, port, username } = server
  return {
    host,
    port,
    username,
    agent: agent.socket,
    identityFiles: [],
    hostKey: { policy: 'off' },
    limits: limitOptions,
  }
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Agent, Client } from 'holdfast'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { signalConnections } from '../promises/support/signals.js'
import { type Agent as AgentProcess, startAgent } from '../servers/agent.js'
import { skipReason } from '../servers/availability.js'
import { prepareDropbear, startDropbear } from '../servers/dropbear.js'
import type { ReferenceServer } from '../servers/reference-server.js'
import { prepareSshd, startSshd } from '../servers/sshd.js'
import { installTools } from '../servers/tools.js'
import { login, sshd } from '../session/sshd.js'
import { userFolder } from './local-servers.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 40_000

const tools = skipReason(await installTools(['ssh', 'ssh-agent', 'ssh-add', 'ssh-keygen']))

const servers = [
  { name: 'sshd 9.2', available: await prepareSshd('9.2'), start: () => startSshd({ version: '9.2' }) },
  { name: 'sshd 10', available: await prepareSshd('10'), start: () => startSshd({ version: '10' }) },
  ...(await Promise.all(
    (['2022.83', '2025'] as const).map(async (version) => ({
      name: `dropbear ${version}`,
      available: await prepareDropbear(version),
      start: () => startDropbear({ version }),
    })),
  )),
] as const

async function server(t: TestContext, start: () => Promise<ReferenceServer>): Promise<ReferenceServer> {
  const started = await start()
  t.after(() => started.stop())
  return started
}

/** An agent that holds these keys. */
async function agentOf(t: TestContext, ...privateKeys: readonly string[]): Promise<AgentProcess> {
  const agent = await startAgent(privateKeys)
  t.after(() => agent.stop())
  return agent
}

/** What the process is warned of about agents while the test runs. */
function warnings(t: TestContext): readonly string[] {
  const heard: string[] = []
  const listen = (warning: Error & { code?: string }): void => {
    if (warning.code === 'HOLDFAST_AGENT_FORWARDING') heard.push(warning.message)
  }
  process.on('warning', listen)
  t.after(() => process.off('warning', listen))
  return heard
}

/** Nobody uses the agent any more. */
async function unused(ssh: Client): Promise<void> {
  while (ssh.stats().channels.length > 0) await ssh.keepalive.send()
}

for (const { name, available, start } of servers) {
  describe(`agent forwarding on ${name}`, { skip: tools || skipReason(available) }, () => {
    test('lends the agent to every command, several at once, and nothing is left of it', { timeout }, async (t) => {
      const far = await server(t, start)
      const { privateKey, fingerprint } = far.clientKeys.ecdsa
      const heard = warnings(t)
      const ssh = await login(t, far, { forwardAgent: (await agentOf(t, privateKey)).socket })
      const list = async (): Promise<void> => {
        const { stdout } = await ssh.exec('ssh-add -l')
        assert.ok(stdout.includes(fingerprint), stdout)
      }
      await list()
      await Promise.all([list(), list(), list()])
      await unused(ssh)
      assert.deepEqual(heard, [])
    })

    test('is for those who ask for it', { timeout }, async (t) => {
      const far = await server(t, start)
      const agent = (await agentOf(t, far.clientKeys.ed25519.privateKey)).socket
      const ssh = await login(t, far, { privateKey: undefined, identityFiles: [], agent })
      const command = 'test -S "$SSH_AUTH_SOCK" && echo an agent || echo none'
      assert.equal((await ssh.exec(command)).stdout, 'none\n')
      assert.equal((await ssh.exec(command, { forwardAgent: true })).stdout, 'an agent\n')
      const always = await login(t, far, { privateKey: undefined, identityFiles: [], agent, forwardAgent: true })
      assert.equal((await always.exec(command, { forwardAgent: false })).stdout, 'none\n')
      const shell = await always.shell({ pty: false })
      shell.stdin.end(command)
      assert.equal(await text(shell.stdout), 'an agent\n')
    })

    test('lends an agent that is an object', { timeout }, async (t) => {
      const far = await server(t, start)
      const keys = (['ssh-ed25519', 'ssh-rsa'] as const).map((type) => generatePrivateKey(type))
      const agent: Agent = {
        name: 'the agent of the test',
        identities: async () => keys.map(({ publicKey }) => ({ publicKey, comment: 'in memory' })),
        sign: async (publicKey, algorithm, data) => {
          const key = keys.find((each) => each.publicKey.blob.equals(publicKey.blob))
          if (key === undefined) throw new RangeError('not one of ours')
          return key.sign(algorithm, data)
        },
      }
      const ssh = await login(t, far, { forwardAgent: agent })
      const folder = await userFolder(t, ssh)
      for (const [index, { publicKey }] of keys.entries()) {
        const file = path.join(folder, `key${index}.pub`)
        await writeFile(file, `${publicKey.type} ${publicKey.blob.toString('base64')}\n`)
        // It has something signed, and checks that.
        assert.equal((await ssh.exec(`ssh-add -T ${file}`)).exitCode, 0)
      }
      const { stdout } = await ssh.exec('ssh-add -l; ssh-add -D')
      assert.match(stdout, /in memory \(ED25519\)\n.* in memory \(RSA\)/)
      assert.match((await ssh.exec('ssh-add -T /dev/null; ssh-add -D')).stderr, /Failed to remove all identities/)
    })
  })
}

const hop = (t: TestContext, hostKey: 'ed25519' | 'ecdsa') => sshd(t, { version: '9.2', hostKeys: [hostKey] })

/** Runs a command on a further server from the first one, with nothing but what an agent has. */
function further({ host, port, username }: ReferenceServer): string {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR']
  return `ssh -F none ${options.map((option) => `-o ${option}`).join(' ')} -p ${port} ${username}@${host}`
}

describe('agent forwarding on sshd', { skip: tools || skipReason(servers[0].available) }, () => {
  test('reaches further than the first hop, each with its own key exchange', { timeout }, async (t) => {
    const [first, second] = [await hop(t, 'ed25519'), await hop(t, 'ecdsa')]
    const { privateKey, fingerprint } = first.clientKeys.rsa
    const agent = await agentOf(t, privateKey)
    const ssh = await login(t, first, { forwardAgent: agent.socket })
    const { stdout, stderr } = await ssh.exec(`${further(second)} -A ssh-add -l`)
    assert.ok(stdout.includes(fingerprint), stderr)
  })

  test('tells the agent through which server it is used, so that keys for other ways stay out of reach', {
    timeout,
  }, async (t) => {
    const [first, second] = [await hop(t, 'ed25519'), await hop(t, 'ecdsa')]
    const agent = await agentOf(t)
    const known = path.join(agent.directory, 'known_hosts')
    const { ed25519, ecdsa: ofSecond, rsa: ofThird } = first.hostKeys
    const hosts = Object.entries({ first: ed25519, second: ofSecond, third: ofThird })
    const lines = hosts.map(async ([name, { publicKey }]) => `${name} ${await readFile(publicKey, 'utf8')}`)
    await writeFile(known, (await Promise.all(lines)).join(''))
    const { ecdsa, rsa } = first.clientKeys
    await agent.add(ecdsa.privateKey, '-H', known, '-h', 'first', '-h', 'first>second')
    await agent.add(rsa.privateKey, '-H', known, '-h', 'third', '-h', 'third>second')
    const ssh = await login(t, first, { forwardAgent: agent.socket })
    const { stdout } = await ssh.exec('ssh-add -l')
    assert.ok(stdout.includes(ecdsa.fingerprint), stdout)
    assert.ok(!stdout.includes(rsa.fingerprint), stdout)
    assert.equal((await ssh.exec(`${further(second)} echo two hops`)).stdout, 'two hops\n')
  })

  test('is asked for anew on a connection that was made anew', { timeout }, async (t) => {
    const far = await sshd(t, { version: '9.2' })
    const { privateKey, fingerprint } = far.clientKeys.ecdsa
    const ssh = await login(t, far, {
      forwardAgent: (await agentOf(t, privateKey)).socket,
      reconnect: { minDelay: 50, maxDelay: 50 },
    })
    for (let round = 0; round < 2; round++) {
      assert.ok((await ssh.exec('ssh-add -l')).stdout.includes(fingerprint))
      const reconnected = once(ssh, 'reconnected')
      await signalConnections(far, 'SIGKILL')
      await reconnected
    }
  })

  test('that the server refuses is told once, and the command runs', { timeout }, async (t) => {
    const far = await sshd(t, { version: '9.2', config: { AllowAgentForwarding: 'no' } })
    const heard = warnings(t)
    const ssh = await login(t, far, { forwardAgent: (await agentOf(t)).socket })
    for (let round = 0; round < 2; round++)
      assert.equal((await ssh.exec('echo "agent: $SSH_AUTH_SOCK"')).stdout, 'agent: \n')
    await sleep(1)
    assert.deepEqual(heard, [
      `agent forwarding to ${far.host}:${far.port}: the server refused it (sshd: AllowAgentForwarding, the options of the key)`,
    ])
  })

  test('where there is no agent is told once, and the command runs', { timeout }, async (t) => {
    const heard = warnings(t)
    const far = await sshd(t, { version: '9.2' })
    const ssh = await login(t, far, { forwardAgent: true })
    assert.equal((await ssh.exec('echo "agent: $SSH_AUTH_SOCK"')).stdout, 'agent: \n')
    await ssh.exec('true')
    const gone = await login(t, far, { forwardAgent: '/nowhere/agent' })
    assert.notEqual((await gone.exec('ssh-add -l')).exitCode, 0)
    assert.equal((await gone.exec('echo alive')).stdout, 'alive\n')
    await sleep(1)
    assert.equal(heard.length, 2)
    assert.match(heard[0] ?? '', /there is none to forward: SSH_AUTH_SOCK is not set, or the option agent is false/)
    assert.match(heard[1] ?? '', /cannot connect to \/nowhere\/agent: .*ENOENT/)
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import { type ConnectOptions, connect, HoldfastError } from 'holdfast'
import { configure } from '#src/client/config/configure.js'
import { gatherOptions, resolveSettings, type Settings } from '#src/client/settings.js'
import { configFile, directory, skip } from './files.js'

async function settingsOf(options: ConnectOptions): Promise<Settings> {
  return resolveSettings(await configure(gatherOptions(options)))
}

/** What a host called `box` is connected with, by this configuration. */
function settings(t: TestContext, text: string, options: ConnectOptions = {}): Promise<Settings> {
  return settingsOf({ host: 'box', config: configFile(t, text), ...options })
}

const home = userInfo().homedir

describe('ssh_config', { skip }, () => {
  test('says host, port and user', async (t) => {
    const { host, port, username } = await settings(
      t,
      'Host box\n HostName %h.example.com\n Port 2200\n User carol\nHost *\n Port 2201\n',
    )
    assert.deepEqual([host, port, username], ['box.example.com', 2200, 'carol'])
  })

  test('is asked with the port and user that were given: Match and tokens go by them', async (t) => {
    const text = 'Match user dave\n HostName %h-of-dave\n'
    const { host, port } = await settings(t, text, { username: 'dave', port: 7 })
    assert.deepEqual([host, port], ['box-of-dave', 7])
  })

  test('that says nothing changes nothing', async (t) => {
    const { identity: _, spentMs: __, policy: _p, ...bare } = await settings(t, '')
    const { identity: ___, spentMs: ____, policy: _q, ...without } = await settingsOf({ host: 'box' })
    assert.deepEqual(bare, { ...without, env: {}, algorithms: { ...without.algorithms, named: [] } })
  })

  test('names keys, certificates and the agent, with what tokens stand for', async (t) => {
    process.env['HOLDFAST_TEST_KEYS'] = '/keys'
    t.after(() => delete process.env['HOLDFAST_TEST_KEYS'])
    const text = `
      HostName box.example.com
      User carol
      Port 2200
      IdentityFile ~/.ssh/%h-%n-%r-%p
      IdentityFile "%d/with space-%u-%L-%k"
      IdentityFile \${HOLDFAST_TEST_KEYS}/100%%
      CertificateFile /certs/%h-cert.pub
      IdentityAgent /agents/%r
      IdentitiesOnly yes
    `
    const { identity, ignored } = await settings(t, text)
    const short = hostname().split('.')[0]
    assert.deepEqual(identity.identityFiles, [
      path.join(home, '.ssh/box.example.com-box-carol-2200'),
      path.join(home, `with space-${userInfo().username}-${short}-box`),
      '/keys/100%',
    ])
    assert.deepEqual(identity.certificateFiles, ['/certs/box.example.com-cert.pub'])
    assert.deepEqual([identity.agent, identity.identitiesOnly], ['/agents/carol', true])
    assert.deepEqual(ignored, [])
  })

  test('takes keys, agent and both away', async (t) => {
    const files = async (text: string) => {
      const { identityFiles, agent } = (await settings(t, text)).identity
      return { identityFiles, agent }
    }
    assert.deepEqual(await files('IdentityFile none'), { identityFiles: [], agent: undefined })
    assert.deepEqual(await files('IdentityAgent none'), { identityFiles: undefined, agent: false })
    assert.deepEqual(await files('PubkeyAuthentication no'), { identityFiles: [], agent: false })
  })

  test('lends the agent as it says', async (t) => {
    process.env['HOLDFAST_TEST_AGENT'] = '/agents/named'
    t.after(() => delete process.env['HOLDFAST_TEST_AGENT'])
    const lent = async (text: string, options: ConnectOptions = {}) => {
      const { forwardAgent, ignored } = await settings(t, text, options)
      return [forwardAgent.isDefault, forwardAgent.agent, ignored.length]
    }
    const agent = '/agents/own'
    assert.deepEqual(await lent('', { agent }), [false, agent, 0])
    assert.deepEqual(await lent('ForwardAgent no', { agent }), [false, agent, 0])
    assert.deepEqual(await lent('ForwardAgent yes', { agent }), [true, agent, 0])
    assert.deepEqual(await lent('ForwardAgent yes\nIdentityAgent /agents/%h'), [true, '/agents/box', 0])
    assert.deepEqual(await lent('ForwardAgent yes\nIdentityAgent none'), [true, undefined, 0])
    assert.deepEqual(await lent('ForwardAgent ~/agents/%h', { agent }), [true, path.join(home, 'agents/box'), 0])
    assert.deepEqual(await lent('ForwardAgent $HOLDFAST_TEST_AGENT', { agent }), [true, '/agents/named', 0])
    assert.deepEqual(await lent('ForwardAgent $HOLDFAST_TEST_NONE', { agent }), [false, agent, 1])
    assert.deepEqual(await lent('ForwardAgent yes', { agent, forwardAgent: false }), [false, agent, 0])
    assert.deepEqual(await lent('', { agent, forwardAgent: '/agents/other' }), [true, '/agents/other', 0])
  })

  test('says whom to trust', async (t) => {
    const trust = async (text: string) => (await settings(t, text)).hostKey
    const system = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']
    const files = await trust(
      'UserKnownHostsFile /known/%h ~/more\nHostKeyAlias farm\nStrictHostKeyChecking accept-new',
    )
    assert.deepEqual(files.knownHosts, ['/known/box', path.join(home, 'more'), ...system])
    assert.deepEqual([files.alias, files.policy], ['farm', 'accept-new'])
    const own = await trust('GlobalKnownHostsFile /known/system\nUpdateHostKeys no')
    assert.deepEqual([own.knownHosts.slice(2), own.update, own.policy], [['/known/system'], false, 'strict'])
    assert.equal((await trust('StrictHostKeyChecking no')).policy, 'off')
    assert.equal((await trust('StrictHostKeyChecking yes')).policy, 'strict')
    assert.equal((await trust('StrictHostKeyChecking ask')).policy, 'strict')
  })

  test('never has the file of the system written to', async (t) => {
    const text = 'UserKnownHostsFile /dev/null\nStrictHostKeyChecking accept-new'
    const { hostKey, ignored } = await settings(t, text)
    assert.deepEqual(hostKey.knownHosts, ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'])
    assert.deepEqual([hostKey.policy, hostKey.update], ['strict', false])
    assert.deepEqual(
      ignored.map(({ keyword }) => keyword),
      ['stricthostkeychecking'],
    )
    const wanted = { policy: 'accept-new', update: true } as const
    const none = 'UserKnownHostsFile /dev/null'
    const { hostKey: given } = await settings(t, none, { hostKey: wanted })
    assert.deepEqual([given.policy, given.update], ['strict', false])
    const own = { ...wanted, knownHosts: ['/elsewhere/known_hosts'] }
    const { hostKey: elsewhere } = await settings(t, none, { hostKey: own })
    assert.deepEqual([elsewhere.policy, elsewhere.update], ['accept-new', true])
  })

  test('says how long to wait and when to ask', async (t) => {
    const { keepalive, limits, rekey } = await settings(
      t,
      'ServerAliveInterval 7\nServerAliveCountMax 2\nTCPKeepAlive no\nConnectTimeout 40\nRekeyLimit 1M 2m\n',
    )
    assert.deepEqual(keepalive, { interval: 7000, countMax: 2, wantReply: true, tcp: false })
    const { tcp, identification, keyExchange, authentication } = limits
    assert.deepEqual([tcp, identification, keyExchange, limits.connect], [40_000, 40_000, 40_000, 60_000])
    assert.equal(authentication, 20_000)
    assert.deepEqual(rekey, { bytes: 2 ** 20, ms: 120_000 })
  })

  test('loosens no keepalive by what ssh does by itself', async (t) => {
    for (const text of ['ServerAliveCountMax 9', 'ServerAliveInterval 0', 'BatchMode yes']) {
      const { keepalive } = await settings(t, text)
      assert.deepEqual(keepalive, { interval: 15_000, countMax: 3, wantReply: true, tcp: true }, text)
    }
  })

  test('says where to connect from', async (t) => {
    const { socket } = await settings(t, 'AddressFamily inet6\nBindAddress ::1\nConnectionAttempts 4')
    assert.deepEqual(socket, { family: 6, localAddress: '::1', attempts: 4 })
    const { ignored } = await settings(t, 'BindAddress example.com')
    assert.deepEqual(
      ignored.map(({ keyword }) => keyword),
      ['bindaddress'],
    )
    await assert.rejects(settings(t, 'BindInterface no-such-device'), { code: 'ERR_SSH_CONFIG' })
  })

  test('names algorithms, of which only those that are no default count as named', async (t) => {
    const plain = await settingsOf({ host: 'box' })
    const added = (await settings(t, 'Ciphers +aes128-cbc')).algorithms
    assert.deepEqual(added.cipher, [...plain.algorithms.cipher, 'aes128-cbc'])
    assert.deepEqual(added.named, ['aes128-cbc'])
    const own = (await settings(t, 'Ciphers chacha20-poly1305@openssh.com,aes256-ctr\nMACs hmac-sha2-512')).algorithms
    assert.deepEqual(own.cipher, ['chacha20-poly1305@openssh.com', 'aes256-ctr'])
    assert.deepEqual([own.mac, own.named], [['hmac-sha2-512'], []])
    const { kex, serverHostKey } = (
      await settings(t, 'KexAlgorithms ecdh-sha2-nistp256\nHostKeyAlgorithms rsa-sha2-256')
    ).algorithms
    assert.deepEqual([kex, serverHostKey], [['ecdh-sha2-nistp256'], ['rsa-sha2-256']])
    const keys = (await settings(t, 'PubkeyAcceptedAlgorithms +ssh-rsa')).identity.algorithms?.publicKey
    assert.ok(keys?.includes('ssh-rsa') && keys.includes('ssh-ed25519'))
    await assert.rejects(settings(t, 'MACs umac-64@openssh.com'), { code: 'ERR_SSH_CONFIG' })
  })

  test('gives commands their variables', async (t) => {
    process.env['HOLDFAST_TEST_SENT'] = 'from here'
    t.after(() => delete process.env['HOLDFAST_TEST_SENT'])
    const { env } = await settings(t, 'SetEnv A=b "C=d e"\nSendEnv HOLDFAST_TEST_S*')
    assert.deepEqual(env, { HOLDFAST_TEST_SENT: 'from here', A: 'b', C: 'd e' })
  })

  test('names a command to connect through, which gets the name as it was given too', async (t) => {
    const { proxyCommand } = await settings(t, 'HostName real\nUser carol\nProxyCommand nc %h %p # %n %r')
    assert.equal(proxyCommand, 'nc real 22 # box carol')
  })

  test('names hosts to connect through', async (t) => {
    const ways = async (text: string, given: ConnectOptions = {}) => {
      const config = configFile(t, text)
      const { proxyJump, proxyCommand } = (await configure({ host: 'box', config, ...given })).options
      return [proxyJump, proxyCommand]
    }
    assert.deepEqual(await ways('ProxyJump carol@gate:2222,far'), [['carol@gate:2222', 'far'], undefined])
    assert.deepEqual(await ways('ProxyJump none'), [undefined, undefined])
    assert.deepEqual(await ways('ProxyJump gate', { proxyCommand: 'nc' }), [undefined, 'nc'])
    assert.deepEqual(await ways('ProxyCommand nc', { proxyJump: 'gate' }), ['gate', undefined])
  })

  test('whose hops lead in a circle is an error', async (t) => {
    const config = configFile(t, 'Host a\n ProxyJump b\nHost b\n ProxyJump a\n')
    await assert.rejects(connect('a', { config }), (error) => {
      assert.ok(error instanceof HoldfastError)
      assert.equal(error.code, 'ERR_SSH_OPTION')
      assert.match(error.message, /without end/)
      return true
    })
  })

  test('loses against what is given beside it, field by field', async (t) => {
    const text = `
      User carol
      IdentityFile /keys/carol
      ProxyCommand nc %h %p
      StrictHostKeyChecking no
      HostKeyAlias farm
      ServerAliveInterval 7
      ServerAliveCountMax 2
      AddressFamily inet6
      Ciphers aes256-ctr
      MACs hmac-sha2-512
    `
    const given = await settings(t, text, {
      username: 'dave',
      privateKey: 'a key',
      proxyCommand: 'other',
      hostKey: { policy: 'strict' },
      keepalive: { interval: '1s' },
      socket: { localAddress: '127.0.0.1' },
      algorithms: { cipher: ['aes128-cbc'] },
    })
    assert.deepEqual([given.username, given.proxyCommand], ['dave', 'other'])
    assert.equal(given.identity.identityFiles, undefined)
    assert.deepEqual([given.hostKey.policy, given.hostKey.alias], ['strict', 'farm'])
    assert.deepEqual([given.keepalive.interval, given.keepalive.countMax], [1000, 2])
    assert.deepEqual(given.socket, { localAddress: '127.0.0.1', attempts: undefined })
    const { cipher, mac, named } = given.algorithms
    assert.deepEqual([cipher, mac, named], [['aes128-cbc'], ['hmac-sha2-512'], ['aes128-cbc']])
  })

  test('tells of what is not done, and aloud of what was to protect', async (t) => {
    const warned = once(process, 'warning')
    const { ignored } = await settings(
      t,
      'ForwardX11 yes\nRevokedHostKeys /revoked\nLogLevel DEBUG\nControlMaster auto',
    )
    const told = ignored.map(({ keyword, value }) => `${keyword} ${value}`)
    assert.deepEqual(new Set(told), new Set(['forwardx11 yes', 'revokedhostkeys /revoked']))
    const [warning] = (await warned) as [Error & { code?: string }]
    assert.equal(warning.code, 'HOLDFAST_CONFIG_IGNORED')
    assert.match(warning.message, /^ssh_config of box: revokedhostkeys \/revoked is not in force/)
  })

  test('that ssh cannot read is told in the words of ssh', async (t) => {
    await assert.rejects(settings(t, 'NoSuchKeyword yes\n'), (error) => {
      assert.ok(error instanceof HoldfastError)
      assert.deepEqual([error.code, error.phase], ['ERR_SSH_CONFIG', 'options'])
      assert.match(error.message, /line 1: Bad configuration option: nosuchkeyword/)
      return true
    })
    await assert.rejects(settingsOf({ host: 'box', config: path.join(directory(t), 'missing') }), {
      code: 'ERR_SSH_CONFIG',
    })
  })

  test('that never ends is given up, and leaves no process', async (t) => {
    const mark = path.join(directory(t), 'mark')
    const text = `Match exec "echo $$ > ${mark}; exec sleep 3000"\n User never\n`
    await assert.rejects(settings(t, text, { limits: { dns: '500ms' } }), { code: 'ERR_SSH_TIMEOUT', limit: 'dns' })
    const pid = Number(readFileSync(mark, 'utf8'))
    for (let left = 100; isRunning(pid); left--) {
      assert.ok(left > 0, 'what Match exec started still runs')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })

  test('is not asked once its signal has aborted', async (t) => {
    await assert.rejects(settings(t, '', { signal: AbortSignal.abort() }), { code: 'ERR_SSH_ABORTED' })
  })
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('where there is no ssh, that is said', async (t) => {
  const { PATH } = process.env
  t.after(() => (process.env['PATH'] = PATH))
  process.env['PATH'] = directory(t)
  await assert.rejects(settingsOf({ host: 'box', config: true }), (error) => {
    assert.ok(error instanceof HoldfastError)
    assert.equal(error.code, 'ERR_SSH_UNSUPPORTED')
    assert.match(error.message, /program ssh, which is not on PATH/)
    return true
  })
})

for (const name of [
  'a;reboot',
  '$(reboot)',
  '`reboot`',
  '-oProxyCommand=reboot',
  "a'b",
  'a|b',
  'a\nreboot',
  'a -oB',
  'a\0b',
]) {
  test(`a name such as ${JSON.stringify(name)} never reaches ssh_config, which may put it into a command`, async (t) => {
    const config = path.join(directory(t), 'missing')
    await assert.rejects(configure({ host: name, config }), { code: 'ERR_SSH_OPTION' })
    if (!name.includes('$'))
      await assert.rejects(configure({ host: 'box', username: name, config }), { code: 'ERR_SSH_OPTION' })
  })
}

test('config without a host is an error', async () => {
  await assert.rejects(configure({ config: true }), { code: 'ERR_SSH_OPTION' })
})

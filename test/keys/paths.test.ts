import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { defaultAgentPath, defaultIdentityFiles, defaultKnownHostsFiles, expandHome } from '#src/keys/paths.js'

test('the home directory is what ~ stands for, and nothing else', () => {
  assert.equal(expandHome('~'), homedir())
  assert.equal(expandHome('~/.ssh/id'), join(homedir(), '.ssh', 'id'))
  for (const path of ['/a/~/b', 'a~', '~user/id', '']) assert.equal(expandHome(path), path)
})

test('identities and known hosts are where OpenSSH has them', () => {
  assert.deepEqual(
    defaultIdentityFiles(),
    ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(homedir(), '.ssh', name)),
  )
  const [own, , system] = defaultKnownHostsFiles()
  assert.equal(own, join(homedir(), '.ssh', 'known_hosts'))
  assert.ok(system !== undefined && isAbsolute(system))
})

test('the agent is the one that SSH_AUTH_SOCK names', (context) => {
  const before = process.env['SSH_AUTH_SOCK']
  context.after(() => setAgent(before))
  setAgent('/tmp/an agent')
  assert.equal(defaultAgentPath(), '/tmp/an agent')
  for (const none of ['', undefined]) {
    setAgent(none)
    assert.equal(defaultAgentPath(), process.platform === 'win32' ? '\\\\.\\pipe\\openssh-ssh-agent' : undefined)
  }
})

function setAgent(path: string | undefined): void {
  if (path === undefined) delete process.env['SSH_AUTH_SOCK']
  else process.env['SSH_AUTH_SOCK'] = path
}

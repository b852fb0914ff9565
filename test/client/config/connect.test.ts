import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { connect } from 'holdfast'
import { startServer } from 'holdfast/testing'
import { parsePrivateKey } from '#src/keys/private-key-file.js'
import { failure } from '../../promises/support/outcome.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { skipReason } from '../../servers/availability.js'
import { prepareSshd } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'
import { configFile, directory, skip } from './files.js'

test('a name of ssh_config leads to its host, with its key, trust and variables', { skip }, async (t) => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const { publicKey } = await parsePrivateKey(pem, { source: 'key' })
  const authorizedKeys = [`${publicKey.type} ${publicKey.blob.toString('base64')}`]
  const seen: string[] = []
  const server = await startServer({
    users: { carol: { authorizedKeys } },
    exec: ({ env }) => {
      seen.push(`${env['A']} ${env['B']}`)
      return 0
    },
  })
  t.after(() => server.close())
  const place = directory(t)
  writeFileSync(path.join(place, 'key'), pem, { mode: 0o600 })
  const [, type, key] = server.hostKey.knownHostsLine.split(' ')
  writeFileSync(path.join(place, 'known_hosts'), `farm ${type} ${key}\n`)
  const config = configFile(
    t,
    `Host box
       HostName 127.0.0.1
       Port ${server.port}
       User carol
       IdentityFile ${place}/key
       IdentityAgent none
       UserKnownHostsFile ${place}/known_hosts
       HostKeyAlias farm
       SetEnv A=1 B=2
       Compression yes`,
  )
  const ssh = await connect('box', { config })
  t.after(() => ssh.close())
  await ssh.exec('true', { env: { B: 'own' } })
  assert.deepEqual(seen, ['1 own'])
  const { host, port, username, ignoredConfig } = ssh.stats()
  assert.deepEqual([host, port, username], ['127.0.0.1', server.port, 'carol'])
  assert.deepEqual(ignoredConfig, [{ keyword: 'compression', value: 'yes', why: 'Holdfast has nothing like it' }])

  const { error } = await failure(connect('box', { config, hostKey: { alias: 'elsewhere' } }))
  assert.equal(error.code, 'ERR_SSH_HOST_KEY_UNKNOWN')
})

test('the time that ssh takes counts for the limit of the whole', { skip }, async (t) => {
  const config = configFile(t, 'Match exec "sleep 0.4"\n HostName 127.0.0.1\n')
  const { error, tookMs } = await failure(connect('box', { config, limits: { connect: '200ms' } }))
  assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', 'connect', 200])
  assert.ok(tookMs < 5000)
})

for (const version of ['9.2', '10'] as const) {
  const availability = await prepareSshd(version)

  describe(`ssh_config before OpenSSH ${version}`, { skip: skip || skipReason(availability) }, () => {
    test('goes through the hops that it names, each as it says of that hop', async (t) => {
      const [near, middle, far] = await Promise.all([1, 2, 3].map(() => sshd(t, { version })))
      assert.ok(near !== undefined && middle !== undefined && far !== undefined)
      const key = path.join(directory(t), 'key')
      copyFileSync(near.clientKeys.ed25519.privateKey, key)
      const hosts = Object.entries({ near, middle, far }).map(
        ([name, { host, port }]) => `Host ${name}\n HostName ${host}\n Port ${port}\n`,
      )
      const config = configFile(
        t,
        `${hosts.join('')}
         Host far
           ProxyJump near,${near.username}@middle
         Host *
           User ${near.username}
           IdentityFile ${key}
           IdentityAgent none
           UserKnownHostsFile /dev/null
           StrictHostKeyChecking no`,
      )
      const ssh = await connect('far', { config })
      t.after(() => ssh.close())
      assert.equal((await ssh.exec('echo $SSH_CONNECTION')).stdout.trim().split(' ').at(-1), String(far.port))
      assert.equal((await socketsTo(near.port)).length, 1)
    })

    test('logs in with a certificate that stands elsewhere', async (t) => {
      const server = await sshd(t, { version, userCertificates: true, authorizedKeys: '' })
      const { privateKey, certificate } = server.clientKeys.ed25519
      const key = path.join(directory(t), 'key')
      copyFileSync(privateKey, key)
      const config = configFile(
        t,
        `Host box
           HostName ${server.host}
           Port ${server.port}
           User ${server.username}
           IdentityFile ${key}
           CertificateFile ${certificate}
           IdentityAgent none
           UserKnownHostsFile /dev/null
           StrictHostKeyChecking no`,
      )
      const ssh = await connect('box', { config })
      t.after(() => ssh.close())
      assert.equal((await ssh.exec('id -un')).stdout.trim(), server.username)
    })
  })
}

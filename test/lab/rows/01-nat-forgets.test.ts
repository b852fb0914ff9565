import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { failure } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { lab, row } from '../row.js'
import { follow, needs, scene } from './support/scene.js'
import { whoSurvives } from './support/watched.js'

leavesNothing()

const forgetAfterS = 18
const asleepS = lab.full ? 60 : 25
const command = `sleep ${asleepS}; echo awake`

row({
  number: 1,
  failure: 'a NAT forgets an idle flow',
  expected: 'Keeps the flow in use by probes, with no option given, so that the command ends as on any network.',
  how: `conntrack forgets what was idle for ${forgetAfterS} s, under a command that sleeps longer; each client as it comes`,
  bound: 'kept: the peer is asked after 15 s of silence, by default',
  code: 'none: the command ends well',
  scale: { short: '25 s of silence', full: '60 s of silence' },
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const { server } = await scene(t, { version: '9.2' }, { forgetAfterS })
    const ssh = await login(t, server)
    const forgotten = await login(t, server, { keepalive: false })
    follow(ssh, watch)
    watch.fault('silence begins')
    const [{ stdout }] = await Promise.all([ssh.exec(command), pause(asleepS * 1000)])
    watch.outcome({ kind: 'kept', text: 'the command ended well' })
    assert.equal(stdout, 'awake\n')
    assert.equal(ssh.liveness.state, 'alive')
    // The network did what this row is about.
    const { error } = await failure(forgotten.keepalive.send({ timeout: '2s' }))
    assert.equal(error.code, 'ERR_SSH_PROBE_TIMEOUT')
  },
  peers: whoSurvives({
    sshd: { version: '9.2' },
    network: { forgetAfterS },
    job: { job: 'exec', command },
    settings: { ssh2: { keepaliveInterval: 0 }, openssh: { ServerAliveInterval: 0 } },
    watchedMs: (asleepS + 15) * 1000,
    async fault(_scene, watch) {
      watch.fault('silence begins')
    },
  }),
})

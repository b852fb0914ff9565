/** The page for administrators, block by block as it stands there, on machines on which it may do that as root. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { skipReason } from '../servers/availability.js'
import { installTools } from '../servers/tools.js'
import { buildImage } from './administrators/dockerfile.js'
import { type Machine, openMachine, packArchives, type ShellOptions } from './administrators/machine.js'
import { block, page } from './administrators/page.js'
import { havePm2, pm2 } from './administrators/pm2.js'
import { runService, serviceLines } from './administrators/systemd.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const tools = await installTools(['ip', 'nsenter', 'ssh-keygen', 'ssh-keyscan', 'systemd-analyze', 'unshare'])
const pm2Is = await havePm2()

/** Nobody can edit it, and it never gives up by itself. */
const program = `const { Client } = require('ssh2')
const { PORT = '22', COMMAND = 'backup' } = process.env
const client = new Client()
client.on('error', (error) => console.log('error:', error.message))
client.on('ready', () => {
  console.log('connected')
  client.exec(COMMAND, (error, stream) => {
    if (error) return console.log('no command:', error.message)
    stream.on('close', () => { console.log('the command is over'); client.end() }).resume()
    stream.stderr.resume()
  })
})
client.connect({ host: 'db.example.com', port: Number(PORT), username: 'deploy', password: 'secret', keepaliveInterval: 0 })
`
/** The backup never ends by itself: this is for the tests not to wait for the hour that the page gives it. */
const soon = { HOLDFAST_LIMITS_TIMEOUT: '3s' }
const report = { HOLDFAST_REGISTER: 'report' }
const over = 'connected\nthe command is over\n'
const held = 'limits.idleTimeout = 900000: enforced (/etc/holdfast/policy.json:4)'

const install = block('1. Install it, and write the policy', 'sh')
const shellLine = block('A shell, cron', 'sh')
const dropIn = '/etc/systemd/system/the-program.service.d/holdfast.conf'

/** ssh2, and what it needs. */
const modules = ['ssh2', 'asn1', 'bcrypt-pbkdf', 'safer-buffer', 'tweetnacl']

function inApp(env: Readonly<Record<string, string>>): ShellOptions {
  return { cwd: '/srv/app', user: 'nobody', env }
}

/** Lines of sh(1) that fail if the command ends within 3 s of its connecting, and end it. */
function endlessly(command: string): string {
  return `out=$(mktemp)
${command} > $out & program=$!
for try in $(seq 600); do ! grep -q connected $out || break; sleep 0.1; done
sleep 3
cat $out
rm $out
kill $program`
}

/** A line of a report, without what differs from run to run. */
function plain(line: string): string {
  return line.replace(/process \d+, Node [\d.]+/, '').trim()
}

/** Lines of sh(1) that write a file. */
function written(file: string, text: string): string {
  return `cat > ${file} <<'END'\n${text}END`
}

/** No systemd runs on a machine of a test. */
function withoutSystemctl(lines: string): string {
  return lines.replaceAll(/^systemctl .*\n/gm, '')
}

describe('docs/administrators.md, on one machine and in this order', {
  skip: skipReason(tools),
  timeout: 230_000,
}, () => {
  let archives = ''
  let machine: Machine
  before(async () => {
    archives = await packArchives()
    machine = await openMachine(archives)
    const copies = modules.map((name) => `cp -rL ${path.join(root, 'node_modules', name)} /srv/app/node_modules`)
    await machine.mustRun(
      `mkdir -p /srv/app/node_modules\n${copies.join('\n')}\n${written('/srv/app/the-program.js', program)}`,
    )
  })
  after(async () => {
    await machine.close()
    rmSync(archives, { recursive: true })
  })

  test('from nothing to a program that outlives a frozen server', async () => {
    const unprotected = await machine.mustRun(endlessly('node the-program.js'), inApp({ PORT: '2222' }))
    assert.equal(unprotected.stdout, 'connected\n')

    const { stdout } = await machine.mustRun(install)
    assert.match(stdout, /^\/etc\/holdfast\/policy\.json: right$/m)
    const [command = '', printed = ''] = block('2. Put one line where the program starts', 'sh').split('\n# ')
    assert.equal((await machine.mustRun(command)).stdout, printed)

    const impatient = { HOLDFAST_KEEPALIVE_INTERVAL: '3s', HOLDFAST_KEEPALIVE_COUNT_MAX: '1' }
    const frozen = await machine.shell(shellLine, inApp({ PORT: '2222', ...impatient, ...report }))
    assert.equal(frozen.code, 0, frozen.stderr)
    assert.match(frozen.stdout, /^error: /m)
    assert.ok(frozen.stderr.includes(held), frozen.stderr)
  })

  test('HOLDFAST=off leaves a program to itself', async () => {
    const env = { PORT: '2222', HOLDFAST: 'off', ...report }
    const { stdout, stderr } = await machine.mustRun(endlessly(shellLine.trim()), inApp(env))
    assert.equal(stdout, 'connected\n')
    assert.doesNotMatch(stderr, /has Holdfast's client/)
  })

  test('what it says of looking whether it works', async () => {
    const section = '3. See that it works'
    const reported = block(section, 'sh', 'HOLDFAST_REGISTER')
    const { stderr } = await machine.mustRun(reported, inApp({ COMMAND: 'true' }))
    const said = stderr.split('\n').map(plain)
    const expected = [...reported.matchAll(/^# +(.*)$/gm)].map(([, line = '']) => plain(line))
    for (const line of expected.filter((each) => each !== '…')) {
      assert.ok(said.includes(line), `${line}\nis not in\n${stderr}`)
    }

    const missing = block(section, 'sh', 'none.json')
    const exported = reported.split('\n')[0] ?? ''
    const { stdout } = await machine.shell(`${exported}\n${missing}`, inApp({}))
    const [, error = ''] = /^# ERR_SSH_POLICY: (.*)$/m.exec(missing) ?? []
    assert.ok(stdout.includes(error), stdout)

    const shown = await machine.mustRun(block(section, 'sh', 'policy show'), { user: 'nobody' })
    assert.match(shown.stdout, /^limits\.idleTimeout +900000 +enforced \(\/etc\/holdfast\/policy\.json:4\)$/m)
  })

  test('a program that asks for no host key is kept to the right one', async () => {
    await machine.mustRun(block('For one program alone', 'sh'))
    const variables = { HOLDFAST_POLICY: '/etc/holdfast/the-program.json', COMMAND: 'true', ...report }
    const right = await machine.shell(shellLine, inApp(variables))
    assert.equal(right.stdout, over, right.stderr)
    assert.match(right.stderr, /hostKey\.policy = "strict": enforced \(\/etc\/holdfast\/the-program\.json:3\)/)
    assert.ok(right.stderr.includes(held), right.stderr)

    await machine.restartServers()
    const wrong = await machine.shell(shellLine, inApp(variables))
    const [, refusal = ''] = /`(Host denied[^`]*)`/.exec(page) ?? []
    assert.equal(wrong.stdout, `error: ${refusal}\n`, wrong.stderr)
  })

  test('PM2: the ecosystem file is loaded, and its program is protected', { skip: skipReason(pm2Is) }, async () => {
    const [, start = ''] = /`pm2 (start [^`]+)`/.exec(page) ?? []
    await machine.mustRun(written('/srv/app/ecosystem.config.cjs', block('PM2', 'cjs')))
    const log = '/srv/pm2/logs/the-program-error.log'
    const lines = `${pm2} ${start}
for try in $(seq 600); do ! grep -q limits.idleTimeout ${log} || break; sleep 0.1; done
${pm2} kill
cat ${log}`
    const env = { PM2_HOME: '/srv/pm2', ...soon, ...report }
    const { stdout } = await machine.mustRun(lines, { cwd: '/srv/app', env })
    assert.ok(stdout.includes(held), stdout)
  })

  test('serverless: a function is protected by the layer', async () => {
    await machine.mustRun(`mkdir /srv/build; cd /srv/build\n${block('Serverless', 'sh')}`)
    await machine.mustRun(`cp -r /srv/app /var/task\n${written('/var/task/index.js', lambda)}`)
    const runtime = fileURLToPath(new URL('./administrators/lambda-program.js', import.meta.url))
    // A machine of AWS has the layer alone.
    const run = `exec unshare --mount sh -ec 'mount -t tmpfs tmpfs /opt; mount -t tmpfs tmpfs /etc/holdfast
cp -r /srv/build/layer/* /opt
exec setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/node ${runtime} 2'`
    const settings = block('Serverless', 'ini').matchAll(/^(\w+)=(.*)$/gm)
    const variables = Object.fromEntries([...settings].map(([, name = '', value = '']) => [name, value]))
    const env = { ...variables, ...report, LAMBDA_TASK_ROOT: '/var/task' }
    const { stdout, stderr } = await machine.shell(run, { env: { ...env, ...soon } })
    assert.equal(stdout, '{"over":true}\n{"over":true}\n', stderr)
    assert.ok(stderr.includes(held.replace('/etc', '/opt')), stderr)
  })

  test('systemd: the unit and what is dropped in are right, and reach the program; then all of it is undone', async () => {
    const unit = block('systemd', 'ini')
    await machine.mustRun(written('/etc/systemd/system/the-program.service', unit))
    await machine.mustRun(withoutSystemctl(block('systemd', 'sh')))
    const verified = await machine.mustRun('systemd-analyze verify --man=no the-program.service')
    assert.equal(verified.stdout + verified.stderr, '')

    const dropped = (await machine.mustRun(`cat ${dropIn}`)).stdout
    const { code, stdout, stderr } = await runService(machine, serviceLines(unit, dropped), { ...soon, ...report })
    assert.equal(code, 0, stderr)
    assert.equal(stdout, over)
    assert.ok(stderr.includes(held), stderr)

    await machine.mustRun(withoutSystemctl(block('4. Undo it', 'sh')))
    assert.equal((await machine.shell(`ls ${dropIn} /etc/holdfast /opt/holdfast`)).stdout, '')
    const undone = await runService(machine, serviceLines(unit), { ...report, COMMAND: 'true' })
    assert.deepEqual({ ...undone }, { stdout: over, stderr: '', code: 0 })
  })

  test('Docker: an image by this Dockerfile has a program that is protected', async () => {
    const [, policy = ''] = /<<'END'\n([^]*?)^END$/m.exec(install) ?? []
    await machine.mustRun(`mv /srv/app /srv/context\n${written('/srv/context/policy.json', policy)}`)
    const { env, cwd, user, command } = await buildImage(machine, block('Docker', 'dockerfile'), '/srv/context')
    const { stdout, stderr } = await machine.shell(command, { env: { ...env, ...soon, ...report }, cwd, user })
    assert.equal(stdout, over, stderr)
    assert.ok(stderr.includes(held), stderr)
  })
})

/** The function of a program such as that above. */
const lambda = `const { Client } = require('ssh2')
exports.handler = () => new Promise((resolve, reject) => {
  const client = new Client().on('error', reject)
  client.on('ready', () => client.exec(process.env.COMMAND ?? 'backup', (error, stream) => {
    if (error) return reject(error)
    stream.on('close', () => { client.end(); resolve({ over: true }) }).resume()
    stream.stderr.resume()
  }))
  client.connect({ host: 'db.example.com', port: 22, username: 'deploy', password: 'secret', keepaliveInterval: 0 })
})
`

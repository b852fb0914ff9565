// A policy as the programs of a machine meet it: each case is a process of its own.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { server } from '../../promises/support/embedded.js'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const end = { timeout: 120_000 }

/** What a program prints as its last line, as JSON. It has `connect` and `options` for a server that runs commands. */
async function run(
  t: TestContext,
  { policy, env = {}, program }: { readonly policy?: string; readonly env?: object; readonly program: string },
): Promise<unknown> {
  const started = await server(t)
  const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-process-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = path.join(directory, 'policy.json')
  if (policy !== undefined) writeFileSync(file, policy, { mode: 0o644 })
  const script = `
    import { writeFileSync } from 'node:fs'
    import * as holdfast from 'holdfast'
    const { connect } = holdfast
    const file = ${JSON.stringify(file)}
    const options = {
      host: '127.0.0.1', port: ${started.port}, username: 'deploy', password: 'secret', hostKey: { policy: 'off' },
    }
    const outcome = async (more) => {
      try {
        const ssh = await connect({ ...options, ...more })
        const stats = ssh.stats()
        await ssh.close()
        return stats
      } catch (error) {
        return { code: error.code, message: error.message.replaceAll(file, 'FILE') }
      }
    }
    console.log(JSON.stringify(await (async () => { ${program} })()))`
  const variables = { ...process.env, ...(policy !== undefined && { HOLDFAST_POLICY: file }), ...env }
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: root, env: variables })
  t.after(() => child.kill('SIGKILL'))
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  assert.notEqual(output, '', errors)
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as unknown
}

test('a wrong policy fails every connection, until it is mended', end, async (t) => {
  const policy = '{\n  "enforced": {\n    "limits": { "idelTimeout": "1m" }\n  }\n}\n'
  const program = `
    const first = await outcome()
    const second = await outcome()
    writeFileSync(file, '{ "enforced": { "limits": { "idleTimeout": "1m" } } }')
    const third = await outcome()
    writeFileSync(file, 'no JSON')
    const fourth = await outcome()
    return [first, second, third.limits.idleTimeout, fourth.limits.idleTimeout]`
  const refusal = {
    code: 'ERR_SSH_POLICY',
    message:
      "the policy FILE:3: enforced.limits.idelTimeout is no option that a policy can set; did you mean 'limits.idleTimeout'?",
  }
  // What was read once holds for the life of the process.
  assert.deepEqual(await run(t, { policy, program }), [refusal, refusal, 60_000, 60_000])
})

test('a policy that HOLDFAST_POLICY names and that is not there fails every connection', end, async (t) => {
  const program = 'return outcome()'
  const HOLDFAST_POLICY = path.join(tmpdir(), 'holdfast-is-not-there.json')
  const { code, message } = (await run(t, { env: { HOLDFAST_POLICY }, program })) as { code: string; message: string }
  assert.equal(code, 'ERR_SSH_POLICY')
  assert.equal(message, `HOLDFAST_POLICY names ${HOLDFAST_POLICY}, which is not there`)
})

test('a variable holds for a program that says nothing, and one that is misspelt fails it', end, async (t) => {
  const program = `
    const plain = await outcome()
    const own = await outcome({ keepalive: { interval: '7s' } })
    return [plain.keepalive.interval, plain.policy.options['keepalive.interval'], own.keepalive.interval]`
  const env = { HOLDFAST_KEEPALIVE_INTERVAL: '5s' }
  const origin = { value: 5000, from: 'environment', source: 'HOLDFAST_KEEPALIVE_INTERVAL' }
  assert.deepEqual(await run(t, { env, program }), [5000, origin, 7000])
  const misspelt = { HOLDFAST_KEEPALIVE_INTERVALL: '5s' }
  assert.deepEqual(await run(t, { env: misspelt, program: 'return outcome()' }), {
    code: 'ERR_SSH_POLICY',
    message: "there is no variable HOLDFAST_KEEPALIVE_INTERVALL; did you mean 'HOLDFAST_KEEPALIVE_INTERVAL'?",
  })
})

test('a policy holds in a worker thread too', end, async (t) => {
  const program = `
    const { Worker } = await import('node:worker_threads')
    const source = "const { parentPort, workerData } = require('node:worker_threads');" +
      "const { connect } = require('holdfast');" +
      "connect(workerData).then(async (ssh) => { parentPort.postMessage(ssh.stats().limits.timeout); await ssh.close() }," +
      "(error) => parentPort.postMessage(error.message))"
    const worker = new Worker(source, { eval: true, execArgv: [], workerData: options })
    return new Promise((resolve) => worker.once('message', resolve))`
  const policy = '{ "enforced": { "limits": { "timeout": "1m" } } }'
  assert.equal(await run(t, { policy, program }), 60_000)
})

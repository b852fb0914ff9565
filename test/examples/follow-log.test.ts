import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { badNetwork, startServer } from 'holdfast/testing'
import { folderServer } from '../sftp/folder-server.js'
import { startExample } from './run-example.js'

test('follow-log.js shows each line once, through losses of the connection and a log that is begun anew', async (t) => {
  const home = mkdtempSync(path.join(tmpdir(), 'holdfast-follow-'))
  const server = await startServer({
    users: { deploy: { password: 'secret' } },
    shell: { afterClose: 'end' },
    subsystems: { sftp: folderServer('/') },
  })
  const network = await badNetwork({ to: server })
  mkdirSync(path.join(home, '.ssh'))
  const [, key = ''] = server.hostKey.knownHostsLine.split(/ (.*)/)
  writeFileSync(path.join(home, '.ssh/known_hosts'), `[127.0.0.1]:${network.port} ${key}\n`)
  const log = path.join(home, "it's a log")
  writeFileSync(log, 'before\n')

  const child = startExample(home, 'follow-log.js', [`deploy@127.0.0.1:${network.port}`, log])
  t.after(async () => {
    child.kill('SIGKILL')
    await network.close()
    await server.close()
    rmSync(home, { recursive: true })
  })
  const shown = collect(child.stdout)
  const said = collect(child.stderr)
  await said.until(/^from byte 7 on\n/)

  let all = ''
  const write = (line: string): void => {
    appendFileSync(log, line)
    all += line
  }
  write('first\n')
  await shown.until(/first\n$/)
  for (const round of [1, 2]) {
    network.reset()
    write(`while away ${round}\n`)
    await said.until(new RegExp(`(?:.*attempt \\d+ in .*\\n){${round}}`))
    await shown.until(new RegExp(`while away ${round}\\n$`))
    write(`there again ${round}\n`)
    await shown.until(new RegExp(`there again ${round}\\n$`))
  }
  assert.equal(shown.text(), all)

  network.reset()
  writeFileSync(log, 'anew\n')
  await shown.until(/anew\n$/)
  assert.equal(shown.text(), `${all}anew\n`)

  await server.close()
  await sleep(100)
  assert.equal(child.exitCode, null)
  child.kill('SIGTERM')
  await once(child, 'exit')
})

test('follow-log.js ends when there is no such file', async (t) => {
  const home = mkdtempSync(path.join(tmpdir(), 'holdfast-follow-'))
  const server = await startServer({
    users: { deploy: { password: 'secret' } },
    shell: true,
    subsystems: { sftp: folderServer('/') },
  })
  t.after(async () => {
    await server.close()
    rmSync(home, { recursive: true })
  })
  mkdirSync(path.join(home, '.ssh'))
  writeFileSync(path.join(home, '.ssh/known_hosts'), `${server.hostKey.knownHostsLine}\n`)
  const child = startExample(home, 'follow-log.js', [`deploy@127.0.0.1:${server.port}`, path.join(home, 'none')])
  assert.match(await text(child.stderr), /ENOENT/)
  if (child.exitCode === null) await once(child, 'exit')
  assert.equal(child.exitCode, 1)
})

/** What a stream has said so far. */
function collect(stream: Readable) {
  let said = ''
  stream.setEncoding('utf8').on('data', (piece: string) => (said += piece))
  return {
    text: () => said,
    async until(pattern: RegExp): Promise<void> {
      const signal = AbortSignal.timeout(20_000)
      while (!pattern.test(said)) {
        await once(stream, 'data', { signal }).catch(() => assert.fail(`no ${pattern} in ${said}`))
      }
    },
  }
}

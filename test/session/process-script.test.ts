import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Child, parseChildren, processScript, type ScriptOptions } from '#src/session/process-script.js'
import { findPosixTools } from '../support/posix-tools.js'

findPosixTools()

const skip = process.platform === 'win32' && 'there is no sh'

/** The script as a child of this process, so that children of this process are what it may see and signal. */
function startScript(t: TestContext, shell: string, options?: ScriptOptions) {
  const script = spawn(shell, ['-c', processScript('mark', options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => script.kill('SIGKILL'))
  const lines = createInterface(script.stdout)[Symbol.asyncIterator]()
  const answer = async (): Promise<readonly string[]> => {
    const line = await lines.next()
    return line.done === true ? [] : line.value.split(' ')
  }
  const ask = (line: string) => {
    script.stdin.write(`${line}\n`)
    return answer()
  }
  return { answer, ask, pid: script.pid }
}

/** A process that leads a group of its own, as a command of sshd does. */
async function startSleep(t: TestContext): Promise<ChildProcess> {
  const sleep = spawn('sleep', ['30000'], { detached: true, stdio: 'ignore' })
  t.after(() => sleep.kill('SIGKILL'))
  await once(sleep, 'spawn')
  return sleep
}

function isLeft(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

function find(words: readonly string[], pid: number | undefined): Child {
  const child = parseChildren(words.slice(2))?.find((one) => one.pid === pid)
  assert.ok(child !== undefined, `${pid} is not in ${words.join(' ')}`)
  return child
}

for (const shell of ['/bin/sh', '/bin/bash'])
  for (const [source, options] of [
    ['the kernel', {}],
    ['ps', { proc: '/nowhere' }],
  ] as const) {
    describe(`the script, started by ${shell}, with what ${source} says`, { skip }, () => {
      test('lists the processes of its parent, itself among them', async (t) => {
        const sleep = await startSleep(t)
        const script = startScript(t, shell, options)
        assert.deepEqual(await script.answer(), ['mark', 'ready', String(script.pid)])
        const words = await script.ask('list')
        assert.deepEqual(words.slice(0, 2), ['mark', 'list'])
        assert.equal(find(words, sleep.pid).group, sleep.pid)
        find(words, script.pid)
      })

      test('signals the group of a child', async (t) => {
        const sleep = await startSleep(t)
        const ended = once(sleep, 'exit')
        const script = startScript(t, shell, options)
        await script.answer()
        const { pid, start } = find(await script.ask('list'), sleep.pid)
        assert.deepEqual((await script.ask(`TERM ${pid} ${start}`)).slice(0, 2), ['mark', 'sent'])
        assert.deepEqual(await ended, [null, 'SIGTERM'])
        assert.deepEqual(await script.ask(`KILL ${pid} ${start}`), ['mark', 'missed'])
      })

      test('kills what is left of a group, of which it is certain only with the clock of the kernel', async (t) => {
        const parts = '(trap "" TERM; echo trapped; sleep 30000; true) & sleep 30000; true'
        const leader = spawn('sh', ['-c', parts], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
        t.after(() => leader.pid !== undefined && isLeft(leader.pid) && process.kill(-leader.pid, 'SIGKILL'))
        await once(leader.stdout, 'data')
        const script = startScript(t, shell, options)
        await script.answer()
        const { pid, start } = find(await script.ask('list'), leader.pid)
        const ended = once(leader, 'exit')
        // The kernel counts starts in hundredths of a second: what began in the same one cannot be told to be earlier.
        await pause(30)
        const [, answer, livedAt] = await script.ask(`TERM ${pid} ${start}`)
        assert.equal(answer, 'sent')
        await ended
        for (const before of ['', '-', '1', start])
          assert.deepEqual(await script.ask(`KILL ${pid} ${start} ${before}`), ['mark', 'missed'], before)
        assert.ok(isLeft(pid))
        // The output may end before the answer has come.
        const closed = once(leader, 'close')
        const [, killed] = await script.ask(`KILL ${pid} ${start} ${livedAt}`)
        assert.equal(killed, source === 'the kernel' ? 'sent' : 'missed')
        if (killed === 'sent') await closed
      })

      test('signals nothing else: no process of another start, no stranger, no group that is not its own', async (t) => {
        const [sleep, sharing] = [await startSleep(t), spawn('sleep', ['30000'], { stdio: 'ignore' })]
        t.after(() => sharing.kill('SIGKILL'))
        const script = startScript(t, shell, options)
        await script.answer()
        const words = await script.ask('list')
        const { start } = find(words, sharing.pid)
        const wrong = [`${sleep.pid} 1`, `${process.ppid} ${start}`, `1 ${start}`, `${sharing.pid} ${start}`, '', '0 -']
        for (const one of wrong) assert.deepEqual(await script.ask(`TERM ${one}`), ['mark', 'missed'], one)
        assert.equal(sleep.exitCode ?? sleep.signalCode ?? sharing.exitCode ?? sharing.signalCode, null)
      })
    })
  }

test('the script stands on one line, without what some login shell would take for its own', () => {
  const command = processScript('mark')
  const [, inner = ''] = /^exec sh -c '(.*)'$/.exec(command) ?? []
  assert.doesNotMatch(inner, /['\\!`\n]/)
})

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { CommandError, type DiagnosticsMessages, type ExecOptions } from 'holdfast'
import type { SimulatedTime } from '../support/core/simulated-time.js'
import { type ScriptedOptions, type SessionScript, scripted } from './scripted.js'

const timeout = 1000
/** Where signals are dropped, so that a second session is opened at once. */
const asRoot = { software: 'OpenSSH_9.2p1', username: 'root' }

/** Lets a command reach its limit, and says what was done about it, in milliseconds from there. */
async function climb(
  { command = 'sleep 30000', ...options }: ScriptedOptions & { readonly command?: string },
  execOptions: ExecOptions,
  prepare: (script: SessionScript, time: SimulatedTime) => void,
) {
  const { time, sessions, script } = await scripted(options)
  prepare(script, time)
  const { error } = await time.failure(sessions.exec(command, { timeout, ...execOptions }))
  assert.ok(error instanceof CommandError)
  const [exec] = script.requests
  const from = (exec?.at ?? 0) + timeout
  const signals = script.requests.filter(({ type }) => type === 'signal')
  return {
    error,
    sessions,
    signals: signals.map(({ data, at }) => [data.slice(4), rounded(at - from)]),
    closes: script.closed.map(({ at }) => rounded(at - from)),
    settledMs: rounded(error.durationMs - timeout),
    commands: script.requests.filter(({ type }) => type === 'exec').map(({ data }) => data.slice(4)),
  }
}

/** The server ends a shell that is sent a signal, and does then what it is told. */
function endShell(script: SessionScript, more: (channel: number) => void): void {
  script.requested = (type, channel) => {
    if (type !== 'signal') return
    script.exitSignal(channel, 'TERM')
    more(channel)
  }
}

/** To a tenth of a second: what is sent takes some milliseconds. */
const rounded = (milliseconds: number) => Math.max(0, Math.round(milliseconds / 100) * 100)

test('TERM at once, KILL after 1 s, CLOSE half a second later, given up within 3 s', async () => {
  const { error, signals, closes, settledMs, sessions } = await climb({}, {}, (script) => {
    script.answersClose = false
  })
  assert.deepEqual(signals, [
    ['TERM', 0],
    ['KILL', 1000],
  ])
  assert.deepEqual([closes, settledMs], [[1500], 2900])
  assert.deepEqual([error.remote, error.ending.by], ['abandoned', 'none'])
  assert.deepEqual(sessions.stats, { open: 1, waiting: 0, abandoned: ['sleep 30000'] })
})

test('a program that ends by itself after TERM was terminated', async () => {
  const { error, signals, settledMs } = await climb({}, {}, (script) => {
    script.requested = (type, channel) => {
      if (type === 'signal') script.finish(channel, 3)
    }
  })
  assert.deepEqual([error.remote, error.exitCode, error.ending.by], ['terminated', 3, 'signal'])
  assert.deepEqual([signals, settledMs], [[['TERM', 0]], 0])
})

test('one that only KILL ends was killed', async () => {
  const { error, settledMs } = await climb({}, {}, (script) => {
    script.requested = (type, channel, data) => {
      if (type !== 'signal' || !data.endsWith('KILL')) return
      script.exitSignal(channel, 'KILL')
      script.close(channel)
    }
  })
  assert.deepEqual([error.remote, error.signal, settledMs], ['killed', 'SIGKILL', 1000])
})

test('sshd answers CLOSE when the program has ended; of another server that proves nothing', async () => {
  const ofSshd = await climb({}, {}, () => {})
  assert.deepEqual([ofSshd.error.remote, ofSshd.error.ending.by], ['terminated', 'close'])
  const ofAnother = await climb({ software: 'paramiko_3' }, { secondSession: 'never' }, () => {})
  assert.equal(ofAnother.error.remote, 'abandoned')
})

test('a program that ends well after its channel was closed may have ended by itself', async () => {
  const { error } = await climb({}, {}, (script) => {
    script.exitCodeAtClose = 0
  })
  assert.deepEqual([error.remote, error.exitCode, error.ending.by], ['exited', 0, 'none'])
})

test('no second session is opened where signals arrive: what they do not end is a forced command', async () => {
  const { commands } = await climb({}, {}, () => {})
  assert.deepEqual(commands, ['sleep 30000'])
})

for (const [who, options, isOpened] of [
  ['root on sshd 9.7', { software: 'OpenSSH_9.7', username: 'root' }, true],
  ['root on sshd 9.8', { software: 'OpenSSH_9.8', username: 'root' }, false],
  ['root on sshd 10', { software: 'OpenSSH_10.0p2', username: 'root' }, false],
  ['anybody on sshd 7.8', { software: 'OpenSSH_7.8' }, true],
  ['anybody on a server that we do not know', { software: 'Dinosaur_1' }, false],
] as const) {
  test(`a second session is ${isOpened ? '' : 'not '}opened for ${who}`, async () => {
    const { commands, error } = await climb(options, {}, () => {})
    assert.equal(commands.length, isOpened ? 2 : 1)
    const never = await climb(options, { secondSession: 'never' }, () => {})
    assert.equal(never.commands.length, 1)
    assert.ok(['terminated', 'abandoned'].includes(error.remote))
  })
}

test('where signals may arrive, a second session that its caller allows is opened once they had no effect', async () => {
  for (const software of ['OpenSSH_9.9', 'Dinosaur_1']) {
    const { commands } = await climb({ software }, { secondSession: 'always' }, () => {})
    assert.equal(commands.length, 2)
  }
})

test('a server that may signal the shell alone: what the shell may have started is not called gone', async () => {
  const software = 'dropbear_2022.83'
  const open = await climb({ software }, {}, (script) => endShell(script, () => {}))
  assert.deepEqual([open.error.remote, open.error.ending.by], ['abandoned', 'signal'])
  assert.match(open.error.ending.detail, /holds its output open/)
  const simple = await climb({ software }, {}, (script) => endShell(script, (channel) => script.close(channel)))
  assert.deepEqual([simple.error.remote, simple.error.ending.by], ['terminated', 'signal'])
  assert.match(simple.error.ending.detail, /may have reached no other process/)
  for (const command of ['sleep 30000; true', 'sleep $LONG', '(sleep 1)', 'a | b', 'a & b']) {
    const compound = await climb({ software, command }, {}, (script) => endShell(script, (id) => script.close(id)))
    assert.deepEqual([compound.error.remote, compound.error.ending.by], ['abandoned', 'signal'], command)
  }
})

test('a subsystem that ends once its channel is closed was ended by that, however late', async () => {
  for (const endsAtMs of [300, 1000]) {
    const { time, sessions, script } = await scripted()
    script.answersClose = false
    script.requested = (type, channel) => {
      if (type !== 'signal') return
      time.after(endsAtMs, () => {
        script.exitStatus(channel, 0)
        script.close(channel)
      })
    }
    const { exited } = await time.value(sessions.subsystem('sftp', { timeout }))
    const { error } = await time.failure(exited)
    assert.ok(error instanceof CommandError)
    assert.deepEqual([error.remote, error.ending.by], ['terminated', 'close'], `${endsAtMs} ms`)
  }
})

test('what runs in silence instead of our script is closed, and run once more at most on this connection', async () => {
  const { time, sessions, script } = await scripted(asRoot)
  script.answersClose = false
  for (let n = 0; n < 3; n++) {
    const { error } = await time.failure(sessions.exec('sleep 30000', { timeout }))
    assert.ok(error instanceof CommandError && error.remote === 'abandoned')
    assert.match(error.ending.detail, /gave no answer in time/)
  }
  assert.equal(script.requests.filter(({ data }) => data.includes('exec sh -c')).length, 2)
})

test('what runs instead of our script and speaks is told from it, closed, and not run again', async () => {
  const { time, sessions, script } = await scripted(asRoot)
  script.answersClose = false
  script.requested = (type, channel, data) => {
    if (type === 'exec' && data.includes('exec sh -c')) script.stdout(channel, 'Welcome\n')
  }
  const first = await time.failure(sessions.exec('sleep 30000', { timeout }))
  const second = await time.failure(sessions.exec('sleep 30000', { timeout }))
  for (const { error } of [first, second]) assert.ok(error instanceof CommandError && error.remote === 'abandoned')
  assert.equal(script.requests.filter(({ data }) => data.includes('exec sh -c')).length, 1)
  assert.equal(script.closed.length, 3)
})

test('one that ends by itself while the second session is opened has exited', async () => {
  const { error, commands } = await climb(asRoot, {}, (script) => {
    let command: number | undefined
    script.requested = (type, channel) => {
      if (type !== 'exec') return
      if (command === undefined) command = channel
      else script.finish(command, 0)
    }
  })
  assert.equal(commands.length, 2)
  assert.deepEqual([error.remote, error.ending.by, error.exitCode], ['exited', 'none', 0])
})

test('where the server refuses terminals, a second session runs nothing', async () => {
  const { error, commands } = await climb(asRoot, {}, (script) => {
    script.grant = (type) => type !== 'pty-req'
    script.answersClose = false
  })
  assert.deepEqual(commands, ['sleep 30000'])
  assert.match(error.ending.detail, /no second session/)
})

interface Killable {
  readonly readyMs: number
  /** How long KILL takes. @default 0 */
  readonly killMs?: number
  /** Which of its signals ends the shell. What that had started goes on until KILL, and holds the output open. @default KILL */
  readonly shellEndsBy?: 'TERM' | 'KILL'
}

/** A second session that finds the command, so long after it was asked for, and whose KILL alone ends all of that. */
function killable(script: SessionScript, time: SimulatedTime, { readyMs, killMs = 0, shellEndsBy = 'KILL' }: Killable) {
  const signalled: { readonly verb: string; readonly at: number }[] = []
  let command: number | undefined
  let mark = ''
  script.requested = (type, channel, data) => {
    if (type !== 'exec') return
    if (command === undefined) {
      command = channel
      return
    }
    mark = /echo (holdfast-\w+) ready/.exec(data)?.[1] ?? ''
    time.after(readyMs, () => script.stdout(channel, `${mark} ready 20\n`))
  }
  script.inputCame = (channel, text) => {
    const [verb = ''] = text.split(' ')
    if (verb === 'list\n') return script.stdout(channel, `${mark} list 10,10,S,100 20,20,S,200\n`)
    signalled.push({ verb, at: time.now() })
    const answer = () => {
      script.stdout(channel, `${mark} sent 150\n`)
      if (command === undefined) return
      if (verb === shellEndsBy) script.exitSignal(command, verb)
      if (verb === 'KILL') script.close(command)
    }
    if (verb === 'KILL') time.after(killMs, answer)
    else answer()
  }
  return signalled
}

for (const readyMs of [200, 1200, 1600, 1700, 1950]) {
  test(`TERM from a second session that is ready ${readyMs} ms after the limit is followed by KILL, and by its effect`, async () => {
    const limits: number[] = []
    const note = (message: unknown) => limits.push((message as DiagnosticsMessages['holdfast:limit']).limitMs)
    subscribe('holdfast:limit', note)
    let signalled: ReturnType<typeof killable> = []
    const { error, settledMs } = await climb(asRoot, {}, (script, time) => {
      signalled = killable(script, time, { readyMs, killMs: 300 })
    })
    unsubscribe('holdfast:limit', note)
    assert.deepEqual([error.remote, error.ending.by, error.signal], ['killed', 'process-group', 'SIGKILL'])
    assert.match(error.ending.detail, /KILL to its process group/)
    assert.deepEqual(
      signalled.map(({ verb }) => verb),
      ['TERM', 'KILL'],
    )
    const graceMs = (signalled[1]?.at ?? 0) - (signalled[0]?.at ?? 0)
    assert.ok(graceMs >= (readyMs <= 1200 ? 1000 : 400) && graceMs <= 1010, `${graceMs} ms`)
    assert.ok(settledMs <= 3000, `${settledMs} ms`)
    assert.deepEqual(
      limits.filter((ms) => ms < 0),
      [],
    )
  })
}

test('what TERM to the group leaves of a command whose shell it ended is killed, and the whole is called killed', async () => {
  let signalled: ReturnType<typeof killable> = []
  const { error, settledMs } = await climb(asRoot, {}, (script, time) => {
    signalled = killable(script, time, { readyMs: 200, killMs: 300, shellEndsBy: 'TERM' })
  })
  assert.deepEqual([error.remote, error.ending.by, error.outputOpen], ['killed', 'process-group', false])
  assert.match(error.ending.detail, /shell was ended by TERM .*, and what it had started by KILL/)
  assert.deepEqual(
    signalled.map(({ verb }) => verb),
    ['TERM', 'KILL'],
  )
  assert.equal(settledMs, 1500)
})

test('a command whose shell TERM ended is not called gone where KILL of the rest shows no effect in time', async () => {
  const { error, settledMs } = await climb(asRoot, {}, (script, time) => {
    killable(script, time, { readyMs: 200, killMs: 5000, shellEndsBy: 'TERM' })
  })
  assert.deepEqual([error.remote, error.ending.by, error.outputOpen], ['abandoned', 'process-group', true])
  assert.match(error.ending.detail, /ended by TERM .* still holds its output open/)
  assert.equal(settledMs, 2800)
})

test('a second session that is ready too late for KILL to be seen to work signals nothing', async () => {
  let signalled: ReturnType<typeof killable> = []
  const { error, settledMs } = await climb(asRoot, {}, (script, time) => {
    script.answersClose = false
    signalled = killable(script, time, { readyMs: 2100 })
  })
  assert.deepEqual([error.remote, error.ending.by, signalled.length], ['abandoned', 'none', 0])
  assert.match(error.ending.detail, /gave no answer in time/)
  assert.equal(settledMs, 2900)
})

test('one whose end by KILL is told of only after its channel was closed was killed', async () => {
  const { error } = await climb({}, {}, (script, time) => {
    script.answersClose = false
    script.requested = (type, channel, data) => {
      if (type !== 'signal' || !data.endsWith('KILL')) return
      time.after(700, () => {
        script.exitSignal(channel, 'KILL')
        script.close(channel)
      })
    }
  })
  assert.deepEqual([error.remote, error.ending.by, error.signal], ['killed', 'signal', 'SIGKILL'])
})

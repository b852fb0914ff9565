/** OpenSSH's own client, as a careful person calls it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { toolEnvironment } from '../../servers/environment.js'
import {
  type ForwardJob,
  onLines,
  type PeerClient,
  PeerEvents,
  type PeerJob,
  type PeerSettings,
  type PeerStep,
  type PeerTarget,
  peerProcess,
} from './peer.js'

/** What its manual offers against dead peers, at the lab's pace; the rest is for logging in unattended. */
const sensible: PeerSettings = {
  ServerAliveInterval: 1,
  ServerAliveCountMax: 3,
  ConnectTimeout: 10,
  StrictHostKeyChecking: 'no',
  UserKnownHostsFile: '/dev/null',
  NumberOfPasswordPrompts: 1,
}

/** What -v says, and what is no reason for an end. */
const chatter = /^(debug\d: |OpenSSH_|Warning: Permanently added |Transferred: |Bytes per second: )/

export function opensshClient(t: TestContext): PeerClient {
  return {
    name: 'OpenSSH',
    start(target, job, settings = {}, inside = []) {
      const env = { ...toolEnvironment, ...askPass(t, target) }
      const program = job.job === 'sftp' ? 'sftp' : 'ssh'
      const command = [...inside, program, ...sshArguments(target, job, settings)]
      const child = spawn('env', command, { env, stdio: 'pipe' })
      const events = new PeerEvents()
      // Its last word that is none of -v says why it ended.
      let said = ''
      onLines(child.stderr, (line) => {
        if (line.startsWith('Authenticated to ')) events.add('ready', 'logged in', false)
        else if (line.startsWith('Connected to ')) events.add('callback', 'SFTP is open', false)
        else if (job.job === 'forward' && saysItListens(job, line)) events.add('callback', 'it listens', false)
        else if (!chatter.test(line)) said = line.trim()
      })
      let received = 0
      const count = (bytes: Buffer): void => {
        received += bytes.length
        events.add('data', String(received), false)
      }
      if (job.job !== 'exec' || job.unread !== true) child.stdout.on('data', count)
      child.once('close', (code, signal) => {
        events.add('exit', `${said && `${said} `}(exit ${code ?? signal})`, true)
      })
      child.stdin.on('error', () => {})
      if (job.job === 'exec' && job.stdin !== undefined) child.stdin.end(Buffer.alloc(job.stdin))
      return peerProcess(t, child, events, (step) => take(step, child.stdin))
    },
  }
}

function sshArguments(target: PeerTarget, job: PeerJob, settings: PeerSettings): string[] {
  return [
    '-v',
    ...loginArguments(target, settings, job.job === 'sftp' ? '-P' : '-p'),
    ...(job.job === 'idle' || job.job === 'forward' ? ['-N'] : []),
    ...(job.job === 'forward' ? forwardArguments(job) : []),
    destination(target),
    ...(job.job === 'exec' ? [job.command] : []),
  ]
}

function loginArguments(target: PeerTarget, settings: PeerSettings, portFlag: '-p' | '-P'): string[] {
  const key = target.clientKeys?.ed25519.privateKey
  const login = key === undefined ? { PubkeyAuthentication: 'no' } : { BatchMode: 'yes', IdentitiesOnly: 'yes' }
  const all = { ...sensible, ...login, IdentityAgent: 'none', ...settings, ...wayTo(target, settings) }
  return [
    ...['-F', 'none', portFlag, String(target.port)],
    ...(key === undefined ? [] : ['-i', key]),
    ...Object.entries(all).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ]
}

function forwardArguments({ port, to, listens }: ForwardJob): string[] {
  const listen = `127.0.0.1:${port}`
  if (to === 'socks') return ['-D', listen]
  return [listens === 'on the server' ? '-R' : '-L', `${listen}:${to.host}:${to.port}`]
}

/** That it will on this machine, it says before it does. */
function saysItListens({ listens }: ForwardJob, line: string): boolean {
  if (listens === 'on the server') return line.startsWith('debug1: remote forward success')
  return line === 'debug1: Entering interactive session.'
}

/** What ProxyJump does, but that jump hosts get no key and no option by the command line there. */
function wayTo({ host, port, jumps = [] }: PeerTarget, settings: PeerSettings): PeerSettings {
  const last = jumps.at(-1)
  if (last === undefined) return {}
  const jump = { ...last, jumps: jumps.slice(0, -1) }
  // It holds our pipes, and would outlive the ssh that started it where its own connection hangs.
  const words = ['setpriv', '--pdeathsig=KILL', 'ssh']
  words.push(...loginArguments(jump, settings, '-p'), '-W', `${host}:${port}`, destination(jump))
  return { ProxyCommand: words.map(quoted).join(' ') }
}

function destination({ username, host }: PeerTarget): string {
  return `${username}@${host}`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** A program that gives the password to whatever ssh asks, where there is no key. */
function askPass(t: TestContext, { clientKeys, password }: PeerTarget): Readonly<Record<string, string>> {
  if (clientKeys !== undefined || password === undefined) return {}
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-lab-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const program = join(directory, 'askpass')
  writeFileSync(program, '#!/bin/sh\nprintf "%s\\n" "$ANSWER"\n', { mode: 0o700 })
  return { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', ANSWER: password }
}

function take(step: PeerStep, stdin: NodeJS.WritableStream): void {
  if (step.step === 'write') stdin.write(Buffer.alloc(step.bytes))
  else if (step.step === 'end-input') stdin.end()
  else if (step.step === 'stat') stdin.write(`ls -ld ${step.path}\n`)
  else if (step.step === 'put') stdin.write(`put ${step.local} ${step.remote}\n`)
  else throw new Error(`ssh(1) cannot ${step.step} while it runs`)
}

import process from 'node:process'
import { type Client, type CommandExit, type ConnectOptions, connect } from 'holdfast'
import { printable } from '#src/wire/printable.js'
import { Terminal } from '../terminal/terminal.js'
import type { Request } from './arguments.js'
import { ask } from './ask.js'
import { failureLines } from './failure.js'
import { Journal } from './journal.js'
import { handOn } from './output.js'
import { followPhases } from './phases.js'

/** As ssh has it: whatever failed but the command itself. */
export const failed = 255

/**
 * Runs one command on a server. Its output goes to stdout and stderr, and what Holdfast knows meanwhile to stderr.
 * @returns the command's own exit code, or 255
 */
export async function runRemote(request: Request, signal: AbortSignal): Promise<number> {
  const journal = new Journal(new Terminal(process.stderr))
  try {
    const client = await dial(request, journal, signal)
    try {
      return await runCommand(client, request, journal, signal)
    } finally {
      await client.close()
    }
  } catch (error) {
    journal.hide()
    for (const line of failureLines(error)) journal.note(line, 'bad')
    return failed
  } finally {
    journal.close()
  }
}

/** An interruption ends the dialing here; later it is the command that it ends, on the server too. */
async function dial({ target, connect: options }: Request, journal: Journal, signal: AbortSignal): Promise<Client> {
  const dialing = new AbortController()
  const interrupted = () => dialing.abort()
  signal.addEventListener('abort', interrupted)
  const unfollow = followPhases((text) => journal.note(text, 'dim'))
  journal.show(() => 'not connected yet')
  try {
    return await connect(target, { ...options, prompt: promptFor(journal), signal: dialing.signal })
  } finally {
    unfollow()
    signal.removeEventListener('abort', interrupted)
  }
}

function promptFor(journal: Journal): ConnectOptions['prompt'] {
  if (!process.stdin.isTTY) return undefined
  return (...question) => {
    journal.hide()
    return ask(...question)
  }
}

async function runCommand(
  client: Client,
  { command: text, spawn: options }: Request,
  journal: Journal,
  signal: AbortSignal,
): Promise<number> {
  journal.note(`authenticated: ${describePeer(client)}`, 'good')
  client.on('banner', (banner) => journal.note(`the server says: ${printable(banner)}`))
  client.on('liveness', ({ from, to }) => journal.note(`${from} -> ${to}`, to === 'alive' ? 'good' : 'waiting'))
  const command = await client.spawn(text, { ...options, signal })
  command.stdin.end()
  journal.note(`runs ${text}`, 'dim')
  journal.show(() => describeLiveness(client))
  const makeRoom = () => journal.makeRoom()
  await Promise.all([
    handOn(command.stdout, process.stdout, makeRoom),
    handOn(command.stderr, process.stderr, makeRoom),
  ])
  const exit = await command.exited
  journal.hide()
  journal.note(describeExit(exit), exit.exitCode === 0 ? 'good' : 'bad')
  return exit.exitCode ?? failed
}

function describePeer({ negotiated, liveness }: Client): string {
  const bound = liveness.bound === null ? 'never judged by silence' : `dead after ${liveness.bound / 1000} s of silence`
  if (negotiated === undefined) return bound
  const { peer, kex, serverHostKey, clientToServer } = negotiated
  return `${peer}, ${kex}, ${serverHostKey}, ${clientToServer.cipher}; ${bound}`
}

function describeLiveness({ liveness }: Client): string {
  const { state, lastHeardMs, rttMs, unanswered, bound } = liveness
  const heard = lastHeardMs === null ? 'nothing heard' : `heard ${seconds(lastHeardMs)} ago`
  const rtt = rttMs === null ? '' : `, round trip ${rttMs.toFixed(1)} ms`
  const missed = unanswered === 0 ? '' : `, ${unanswered} unanswered`
  return `${state}, ${heard}${rtt}${missed}${bound === null ? '' : `, dead after ${seconds(bound)}`}`
}

function describeExit({ exitCode, signal, durationMs, outputOpen }: CommandExit): string {
  const how = signal === null ? (exitCode === null ? 'ended without saying how' : `exit code ${exitCode}`) : signal
  return `${how} after ${seconds(durationMs)}${outputOpen ? '; its output was still held open' : ''}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

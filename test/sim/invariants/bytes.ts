import type { Invariant, Run } from '../run.js'

/**
 * No byte of a channel is lost, doubled or moved, none comes after the end, and at an end in order all have come: what a
 * program wrote before it closed has been read, and what we wrote before EOF has been read there.
 */
export function bytesAreWhole(): Invariant {
  return { name: 'no byte of a channel is lost, doubled or moved', check, checkEnd }
}

function check({ user, server }: Run): string | undefined {
  for (const record of user.commands) {
    if (!record.intact) return `the output of command ${record.command} is not what it wrote`
    if (record.heardAfterEnd !== undefined) return `command ${record.command} was heard: ${record.heardAfterEnd}`
  }
  for (const record of server.programs) {
    if (!record.inputIntact) return `the input of command ${record.command} is not what was sent`
    if (record.heardAfterEnd !== undefined)
      return `the server’s command ${record.command} heard ${record.heardAfterEnd} after its end`
  }
  return undefined
}

function checkEnd(run: Run): string | undefined {
  return outputMissing(run) ?? inputMissing(run) ?? unflushed(run)
}

/** An end in order of the connection flushes: it ends only once all that was written has gone out (DESIGN section 4). */
function unflushed({ user, server, client, plan, troubles }: Run): string | undefined {
  const { ending } = client
  const isInOrder = ending?.cause.code === 'ERR_SSH_CLOSED' && ending.at < (user.closedBy ?? 0) - 1
  if (!isInOrder || troubles.all.length > 0 || plan.absences.length > 0) return undefined
  for (const { command, written, gaveUp, over } of user.commands) {
    const truth = server.programs.find((program) => program.command === command)
    if (truth !== undefined && !gaveUp && over === 'lost' && !truth.isDone && truth.stdin < written)
      return `of the input of command ${command} ${truth.stdin} bytes came of ${written}, although the close was in order`
  }
  return undefined
}

function outputMissing({ user, server }: Run): string | undefined {
  for (const { command, stdout, stderr, eof, over, gaveUp } of user.commands) {
    const truth = server.programs.find((program) => program.command === command)
    if (truth === undefined || gaveUp || !(eof || over === 'closed')) continue
    if (stdout !== truth.stdout || stderr !== truth.stderr)
      return `of command ${command} ${stdout} and ${stderr} bytes came of the ${truth.stdout} and ${truth.stderr} that it wrote`
  }
  return undefined
}

function inputMissing({ user, server }: Run): string | undefined {
  for (const { command, stdin, inputEnded } of server.programs) {
    const sent = user.commands.find((record) => record.command === command)
    if (sent !== undefined && inputEnded && !sent.gaveUp && stdin !== sent.written)
      return `of the input of command ${command} ${stdin} bytes came of ${sent.written}`
  }
  return undefined
}

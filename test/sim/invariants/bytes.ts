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

function checkEnd({ user, server }: Run): string | undefined {
  for (const { command, stdout, stderr, eof, over, gaveUp } of user.commands) {
    const truth = server.programs.find((program) => program.command === command)
    if (truth === undefined || gaveUp || !(eof || over === 'closed')) continue
    if (stdout !== truth.stdout || stderr !== truth.stderr)
      return `of command ${command} ${stdout} and ${stderr} bytes came of the ${truth.stdout} and ${truth.stderr} that it wrote`
  }
  for (const { command, stdin, inputEnded } of server.programs) {
    const sent = user.commands.find((record) => record.command === command)
    if (sent !== undefined && inputEnded && !sent.gaveUp && stdin !== sent.written)
      return `of the input of command ${command} ${stdin} bytes came of ${sent.written}`
  }
  return undefined
}

import type { ReferenceServer } from '../servers/reference-server.js'
import { run } from '../servers/run.js'
import { sshArguments } from '../servers/ssh-command.js'

/** The algorithms that a server proposes in its KEXINIT. */
export interface Offer {
  readonly kex: readonly string[]
  readonly serverHostKey: readonly string[]
  readonly cipher: readonly string[]
  readonly mac: readonly string[]
}

/** What a server offers, as ssh(1) hears it: a witness that is not under test. */
export async function offerOf(server: ReferenceServer): Promise<Offer> {
  const { stderr } = await run('ssh', ['-vv', ...sshArguments(server, { command: 'true' })])
  const proposal = stderr.slice(stderr.indexOf('peer server KEXINIT proposal'))
  const list = (label: string): readonly string[] =>
    new RegExp(`^debug2: ${label}: (\\S+)`, 'm').exec(proposal)?.[1]?.split(',') ?? []
  return {
    kex: list('KEX algorithms'),
    serverHostKey: list('host key algorithms'),
    cipher: list('ciphers ctos'),
    mac: list('MACs ctos'),
  }
}

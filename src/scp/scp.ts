import { stat } from 'node:fs/promises'
import { optionError } from '../session/option-error.js'
import { throughLinks } from '../sftp/local-links.js'
import { type CallOptions, toLocal } from '../sftp/settings.js'
import { localError } from '../sftp/transfer.js'
import { commandLine, directoryOf, hasName, nameOf, type Role, toRemote } from './command-line.js'
import { type Conversation, converse, type ScpHost } from './conversation.js'
import { receive } from './get.js'
import {
  resolveGet,
  resolvePut,
  type ScpOptions,
  type ScpPutOptions,
  type ScpResult,
  type ScpSettings,
} from './options.js'
import { putDirectory, putEntries, putFile } from './put.js'
import { ScpReadStream } from './read-stream.js'
import { type ScpPair, Tally } from './tally.js'

/**
 * Files and trees by the protocol of old scp, for servers without SFTP: each transfer runs `scp` on the server. It has no
 * resume, no atomic placing, and no links.
 */
export class Scp {
  readonly #host: () => ScpHost

  /** Use `Client.scp`. @param host as it is at each call: a connection may have been made anew. @internal */
  constructor(host: () => ScpHost) {
    this.#host = host
  }

  /**
   * Sends a file; with `recursive`, or all that is in a directory, which is made where it is missing. The directory above
   * `remote` has to be there. Links below `local` are left out, and named in the result.
   * @throws ScpError; CommandError ERR_SSH_TIMEOUT (limit `idleTimeout`), ERR_SSH_ABORTED, or why the connection ended;
   * HoldfastError ERR_SSH_SCP_CHANGED, ERR_SSH_SCP_LOCAL, ERR_SSH_SCP_PROTOCOL, ERR_SSH_UNSUPPORTED where there is no scp
   */
  async put(local: string, remote: string, options: ScpPutOptions = {}): Promise<ScpResult> {
    const settings = resolvePut(options, this.#host())
    const pair = { local: toLocal(local), remote: toRemote(remote) }
    return orLocalError(async () => {
      const stats = await stat(pair.local)
      const isTree = stats.isDirectory()
      // Not opened either: whoever writes to a FIFO would take us for its reader.
      if (!isTree && !stats.isFile()) throw optionError('local', `'${local}' is neither file nor directory`)
      if (isTree && !settings.recursive) throw optionError('local', `'${local}' is a directory: say recursive`)
      return isTree ? this.#putTree(pair, settings) : this.#putFile(pair, settings)
    })
  }

  /**
   * Fetches a file; with `recursive`, or all that is in a directory. The server follows links; nothing is written outside
   * of `local`.
   * @throws as `put`; HoldfastError ERR_SSH_SCP_NAME for what was not asked for
   */
  async get(remote: string, local: string, options: ScpOptions = {}): Promise<ScpResult> {
    return this.fetch(remote, local, options, () => {})
  }

  /**
   * The same.
   * @param begun given what settles once nothing touches the local files any more. An abort does that at once; the scp of
   * the server, for whose end this waits, has seconds.
   * @throws as `get`
   * @internal
   */
  async fetch(
    remote: string,
    local: string,
    options: ScpOptions,
    begun: (receiving: Promise<void>) => void,
  ): Promise<ScpResult> {
    const settings = resolveGet(options, this.#host())
    const path = toRemote(remote)
    return orLocalError(async () => {
      const pair = { local: await throughLinks(toLocal(local)), remote: path }
      return this.#run({ role: 'give', path }, pair, settings, (scp, tally) => {
        const receiving = receive(scp, tally, pair)
        begun(receiving)
        return receiving
      })
    })
  }

  /** What a file of the server holds, as it comes. @throws as `get` @internal */
  async read(remote: string, options: CallOptions = {}): Promise<ScpReadStream> {
    const host = this.#host()
    const { idleLimitMs, signal } = resolveGet(options, host)
    const path = toRemote(remote)
    const command = commandLine({ role: 'give', path, recursive: false, preserve: false })
    return ScpReadStream.open({ host, command, path, idleLimitMs, signal })
  }

  #putFile(pair: ScpPair, settings: ScpSettings): Promise<ScpResult> {
    if (!hasName(pair.remote)) throw optionError('remote', `'${pair.remote}' must end in the name of the file`)
    const path = directoryOf(pair.remote)
    return this.#run({ role: 'take', path }, pair, settings, (scp, tally) =>
      putFile(scp, tally, pair, nameOf(pair.remote)),
    )
  }

  /** Into the directory above, by its name, so that it comes out the same whether it is there or not. */
  #putTree(pair: ScpPair, settings: ScpSettings): Promise<ScpResult> {
    if (!hasName(pair.remote))
      return this.#run({ role: 'take', path: pair.remote }, pair, settings, (scp, tally) =>
        putEntries(scp, tally, pair),
      )
    const path = directoryOf(pair.remote)
    const name = nameOf(pair.remote)
    return this.#run({ role: 'take', path }, pair, settings, (scp, tally) => putDirectory(scp, tally, pair, name))
  }

  async #run(
    { role, path }: Pick<Role, 'role' | 'path'>,
    { remote }: ScpPair,
    settings: ScpSettings,
    work: (scp: Conversation, tally: Tally) => Promise<void>,
  ): Promise<ScpResult> {
    const { recursive, preserve, idleLimitMs, signal } = settings
    const command = commandLine({ role, path, recursive, preserve })
    const tally = new Tally(settings)
    await converse({ host: this.#host(), command, path: remote, idleLimitMs, signal }, async (scp) => {
      // It says that it is there before it takes anything.
      if (role === 'take') await scp.answer('the beginning of scp')
      await work(scp, tally)
    })
    return tally.result
  }
}

async function orLocalError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw localError(error, 'ERR_SSH_SCP_LOCAL')
  }
}

import { stat } from 'node:fs/promises'
import { optionError } from '../session/option-error.js'
import { printable } from '../wire/printable.js'
import { getFile } from './get-file.js'
import { getTree } from './get-tree.js'
import { throughLinks } from './local-links.js'
import { PathCalls } from './path-calls.js'
import { putFile } from './put-file.js'
import { putTree } from './put-tree.js'
import { inParts, refuseAborted } from './sftp-error.js'
import type { SftpSessions } from './sftp-sessions.js'
import { Stats } from './stats.js'
import { localError, type Pair, Transfer } from './transfer.js'
import type { TransferResult, TransferSettings } from './transfer-options.js'

/** Fetches a file, or all that is in a directory. */
export function get(session: SftpSessions, pair: Pair, settings: TransferSettings): Promise<TransferResult> {
  return run('get', pair, new Transfer(session, settings), async (transfer) => {
    const { signal } = transfer
    const known = new Stats(await transfer.again(() => new PathCalls(session).attributes('stat', pair.remote, signal)))
    checkKind(known, 'remote', pair.remote)
    if (known.isDirectory()) await getTree(transfer, { ...pair, known })
    else await getFile(transfer, { ...pair, local: await throughLinks(pair.local), known })
  })
}

/**
 * To open a FIFO, and some devices, a server waits for whoever is to write to it, and answers nothing else meanwhile. One
 * that does not say what it is may be right. @throws HoldfastError ERR_SSH_OPTION
 */
export function checkKind(known: Stats, option: string, path: Buffer): void {
  if (Number.isNaN(known.mode) || known.isFile() || known.isDirectory()) return
  throw optionError(option, `'${printable(path.toString(), 200)}' is neither file nor directory`)
}

/** Sends a file, or all that is in a directory. */
export function put(session: SftpSessions, pair: Pair, settings: TransferSettings): Promise<TransferResult> {
  return run('put', pair, new Transfer(session, settings), async (transfer) => {
    const stats = await stat(pair.local)
    if (stats.isDirectory()) await putTree(transfer, pair)
    // Not opened either: whoever writes to a FIFO would take us for its reader.
    else if (!stats.isFile()) throw optionError('local', `'${pair.local}' is neither file nor directory`)
    else await putFile(transfer, pair)
  })
}

async function run(
  syscall: string,
  { remote }: Pair,
  transfer: Transfer,
  work: (transfer: Transfer) => Promise<void>,
): Promise<TransferResult> {
  refuseAborted(transfer.signal, transfer.session.host, { syscall, path: remote.toString() })
  transfer.session.refuseEnded()
  try {
    await inParts(work(transfer))
  } catch (error) {
    throw localError(error)
  }
  return transfer.result
}

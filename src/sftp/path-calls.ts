import { Writer } from '../wire/writer.js'
import { type Attributes, writeAttributes } from './attributes.js'
import type { Extension } from './numbers.js'
import { extended, type Request } from './requests.js'
import { attributes, done, onePath, type Result } from './results.js'
import type { FileCall } from './sftp-error.js'
import type { CallSettings } from './sftp-session.js'
import type { SftpSessions } from './sftp-sessions.js'

type Signal = AbortSignal | undefined

/** What is asked for by path: one request each, and nothing else. */
export class PathCalls {
  readonly #session: SftpSessions

  constructor(session: SftpSessions) {
    this.#session = session
  }

  attributes(syscall: 'stat' | 'lstat', path: Buffer, signal: Signal): Promise<Attributes> {
    const type = syscall === 'stat' ? 'STAT' : 'LSTAT'
    return this.#call({ syscall, path: path.toString() }, { type, path }, attributes, { signal })
  }

  setAttributes(syscall: string, path: Buffer, changed: Attributes, signal: Signal): Promise<void> {
    const what = { syscall, path: path.toString() }
    return this.#call(what, { type: 'SETSTAT', path, attributes: changed }, done, { signal })
  }

  /** Of a link, not of what it points to. @throws SftpError ENOTSUP */
  async setLinkAttributes(syscall: string, path: Buffer, changed: Attributes, signal: Signal): Promise<void> {
    const data = writeAttributes(new Writer().string(path), changed)
    return this.#extended('lsetstat', { syscall, path: path.toString() }, data, done, signal)
  }

  /** Over what is there, where the server can; else it fails then. */
  rename(from: Buffer, to: Buffer, signal: Signal): Promise<void> {
    const what = { syscall: 'rename', path: from.toString(), dest: to.toString() }
    if (!this.#session.has('posixRename')) return this.#call(what, { type: 'RENAME', from, to }, done, { signal })
    return this.#extended('posixRename', what, new Writer().string(from).string(to), done, signal)
  }

  /** @throws SftpError ENOTSUP */
  link(from: Buffer, to: Buffer, signal: Signal): Promise<void> {
    const what = { syscall: 'link', path: from.toString(), dest: to.toString() }
    return this.#extended('hardlink', what, new Writer().string(from).string(to), done, signal)
  }

  symlink(target: Buffer, path: Buffer, signal: Signal): Promise<void> {
    const what = { syscall: 'symlink', path: target.toString(), dest: path.toString() }
    const [from, to] = this.#session.linkComesFirst ? [path, target] : [target, path]
    return this.#call(what, { type: 'SYMLINK', from, to }, done, { signal })
  }

  path(syscall: 'readlink' | 'realpath', path: Buffer, signal: Signal): Promise<Buffer> {
    const type = syscall === 'readlink' ? 'READLINK' : 'REALPATH'
    return this.#call({ syscall, path: path.toString() }, { type, path }, onePath, { signal })
  }

  /** @throws SftpError ENOTSUP */
  pathOf(extension: 'expandPath' | 'homeDirectory', what: FileCall, text: Buffer, signal: Signal): Promise<Buffer> {
    return this.#extended(extension, what, new Writer().string(text), onePath, signal)
  }

  async #extended<T>(
    extension: Extension,
    what: FileCall,
    data: Writer,
    result: (what: FileCall) => Result<T>,
    signal: Signal,
  ): Promise<T> {
    this.#session.require(extension, what)
    return this.#call(what, extended(extension, data), result, { signal })
  }

  #call<T>(
    what: FileCall,
    request: Request,
    result: (what: FileCall) => Result<T>,
    settings: CallSettings,
  ): Promise<T> {
    return this.#session.call({ what, request, result: result(what) }, settings)
  }
}

import type { Client } from '../client/client.js'
import type { Sftp } from '../sftp/sftp.js'
import type { Ssh2Session } from './session.js'

const shared = new WeakMap<Ssh2Session, Promise<SharedSftp>>()

/**
 * What all handles of a session use: PHP ends that of a handle which nobody has any more, and a program that asks for one each
 * time would here come to the server's MaxSessions. It is opened for nobody in particular: who gives up finds it there the
 * next time.
 * @throws as `Client.sftp()`
 */
export function sharedSftp(session: Ssh2Session, client: Client): Promise<SharedSftp> {
  const known = shared.get(session)
  if (known !== undefined) return known
  const opening = SharedSftp.open(client, () => {
    if (shared.get(session) === opening) shared.delete(session)
  })
  shared.set(session, opening)
  return opening
}

/** SFTP of one session, for as many handles as there are. */
export class SharedSftp {
  readonly sftp: Sftp
  readonly #unshare: () => void
  /** Calls under way, and open files. */
  #holds = 0
  #isRetired = false

  /** @param unshare nobody else is to be given it */
  static async open(client: Client, unshare: () => void): Promise<SharedSftp> {
    try {
      const sftp = await client.sftp()
      sftp.session.onEnd(unshare)
      return new SharedSftp(sftp, unshare)
    } catch (error) {
      unshare()
      throw error
    }
  }

  private constructor(sftp: Sftp, unshare: () => void) {
    this.sftp = sftp
    this.#unshare = unshare
  }

  /** Whether handles are to go on with the next one. */
  get isRetired(): boolean {
    return this.#isRetired
  }

  /** It does not end meanwhile. */
  async during<T>(work: Promise<T>): Promise<T> {
    const release = this.hold()
    try {
      return await work
    } finally {
      release()
    }
  }

  /** It does not end until what is returned is called, which is to be done once. */
  hold(): () => void {
    this.#holds++
    return () => {
      this.#holds--
      this.#endUnused()
    }
  }

  /** It may be frozen. What is under way on it may still be answered; then it ends. */
  retire(): void {
    this.#isRetired = true
    this.#unshare()
    this.#endUnused()
  }

  #endUnused(): void {
    if (this.#isRetired && this.#holds === 0) void this.sftp.close()
  }
}

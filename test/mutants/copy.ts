import { constants } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { mustRun } from './command.js'

const gitMs = 60_000

/**
 * Copies of the project in which patches are tried: of what is committed, and built once, so that after a patch the
 * compiler has little to do. Nothing is written to the tree that they were made from, nor to its repository.
 */
export class Copies {
  readonly #folder: string
  readonly #signal: AbortSignal

  private constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder
    this.#signal = signal
  }

  /** @param root the project, with its `node_modules` */
  static async make(root: string, signal: AbortSignal): Promise<Copies> {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-mutants-'))
    const copies = new Copies(folder, signal)
    const archive = path.join(folder, 'project.tar')
    await mkdir(copies.unpatched)
    await mustRun('git', ['archive', '-o', archive, 'HEAD'], { cwd: root, limitMs: gitMs, signal })
    await mustRun('tar', ['-xf', archive], { cwd: copies.unpatched, limitMs: gitMs, signal })
    await rm(archive)
    await symlink(path.join(root, 'node_modules'), path.join(copies.unpatched, 'node_modules'))
    return copies
  }

  get unpatched(): string {
    return path.join(this.#folder, 'unpatched')
  }

  /** One more, as it was built without a patch. */
  async add(name: string): Promise<string> {
    const copy = path.join(this.#folder, name)
    await cp(this.unpatched, copy, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    })
    return copy
  }

  /** @throws Error when the patch does not apply */
  async apply(copy: string, patch: string): Promise<void> {
    // Within some other repository git would pass over the patch, since the copy is not that repository's.
    const env = { GIT_CEILING_DIRECTORIES: this.#folder }
    await mustRun('git', ['apply', '-C1', patch], { cwd: copy, limitMs: gitMs, signal: this.#signal, env })
  }

  /** @throws Error with what the compiler said */
  async build(copy: string, limitMs: number): Promise<void> {
    await mustRun('npx', ['--no-install', 'tsc', '--build'], { cwd: copy, limitMs, signal: this.#signal })
  }

  async drop(copy: string): Promise<void> {
    await rm(copy, { recursive: true, force: true })
  }

  async dropAll(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

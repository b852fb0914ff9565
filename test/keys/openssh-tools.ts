/** OpenSSH's own programs as oracles, in a directory that goes away with the test. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { TestContext } from 'node:test'

/** The reason to skip, as node:test takes it: false where the program is there. */
export function missing(program: 'ssh-keygen' | 'ssh-agent' | 'openssl'): string | false {
  const { error } = spawnSync(program, ['-?'], { timeout: 10_000 })
  return error === undefined ? false : `${program} is not installed`
}

export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-keys-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Where `~` leads until the test ends. */
export function setHome(context: TestContext, home: string): void {
  const variable = process.platform === 'win32' ? 'USERPROFILE' : 'HOME'
  const before = process.env[variable]
  process.env[variable] = home
  context.after(() => {
    if (before === undefined) delete process.env[variable]
    else process.env[variable] = before
  })
}

export function sshKeygen(...args: string[]): string {
  return run('ssh-keygen', ...args)
}

export function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Makes a key pair and returns the path of its private half. */
export function makeKey(directory: string, name: string, ...options: string[]): string {
  const file = join(directory, name)
  sshKeygen('-q', '-N', '', '-C', `comment of ${name}`, '-f', file, ...options)
  return file
}

/** The blob in a one-line public key file. */
export function blobOf(file: string): Buffer {
  return Buffer.from(readFileSync(file, 'utf8').split(' ')[1] ?? '', 'base64')
}

/** Every kind of key that needs no hardware, as options of ssh-keygen. */
export const kinds: readonly (readonly [name: string, ...options: string[]])[] = [
  ['ed25519', '-t', 'ed25519'],
  ['ecdsa256', '-t', 'ecdsa', '-b', '256'],
  ['ecdsa384', '-t', 'ecdsa', '-b', '384'],
  ['ecdsa521', '-t', 'ecdsa', '-b', '521'],
  ['rsa', '-t', 'rsa', '-b', '2048'],
]

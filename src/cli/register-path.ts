import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { withRegister } from '../register/node-options.cjs'
import type { Printed } from './printed.js'

/** `holdfast policy register-path`: for `NODE_OPTIONS="$(…)"` the value alone is what it prints, and the rest are notes. */
export function registerPath(): Printed {
  const file = registerFile()
  const value = withRegister(undefined, file)
  return {
    text: `${value}\n`,
    notes: `
That is for NODE_OPTIONS of each program that is to have Holdfast's client, before what else stands there:
  a shell  export NODE_OPTIONS=${inSingleQuotes(value)}
  systemd  Environment='NODE_OPTIONS=${inSystemdQuotes(value)}'
HOLDFAST=off switches it off. Take the value away before the package: where the file is gone, or cannot be read, Node does not start.
${warningsOf(file)}`.trimStart(),
  }
}

/** As the command was called, where that leads here: a link such as /opt/holdfast stays one, for the day on which it is set anew. */
function registerFile(): string {
  const own = fileURLToPath(new URL('../register/register.cjs', import.meta.url))
  const called = path.join(path.dirname(behindLinks(process.argv[1] ?? '')), '../register/register.cjs')
  return realPath(called) === own ? called : own
}

/** The file that npm's link to a command leads to; links in the folders of its path stay. */
function behindLinks(command: string, depth = 0): string {
  const isLink = depth < 10 && lstatSync(command, { throwIfNoEntry: false })?.isSymbolicLink() === true
  return isLink ? behindLinks(path.resolve(path.dirname(command), readlinkSync(command)), depth + 1) : command
}

function realPath(file: string): string | undefined {
  try {
    return realpathSync(file)
  } catch {
    return undefined
  }
}

/** Both stop every Node that has the value. */
function warningsOf(file: string): string {
  const closed = closedTo(file)
  const warnings = [
    closed && `Warning: ${closed} is closed to other users: their programs would not start.`,
    /[\\/]_npx[\\/]/.test(file) &&
      'Warning: this is the cache of npx, which npm empties. Install the package where it stays, and ask there.',
  ]
  return warnings.map((warning) => (warning ? `${warning}\n` : '')).join('')
}

/** The first on the way to it that others than owner and group may not read, or enter. */
function closedTo(file: string): string | undefined {
  if (process.platform === 'win32') return undefined
  const real = realpathSync(file)
  const isClosed = (part: string) => (statSync(part).mode & (part === real ? 0o4 : 0o1)) === 0
  return [...foldersAbove(real), real].find(isClosed)
}

function foldersAbove(file: string): string[] {
  const above = path.dirname(file)
  return above === file ? [] : [...foldersAbove(above), above]
}

function inSingleQuotes(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`
}

/** systemd.syntax(7), and the specifiers of systemd.unit(5). */
function inSystemdQuotes(value: string): string {
  return value.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll('%', '%%')
}

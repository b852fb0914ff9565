import path from 'node:path'
import url from 'node:url'

const flags = /^(?:-r|--require|--import)(?:=(.*))?$/s

/** NODE_OPTIONS that load this file in every Node that inherits them, wherever it starts, and whatever else they said. */
export function withRegister(nodeOptions: string | undefined, file: string): string {
  const words = absoluteWords(split(nodeOptions ?? ''), file)
  const isThere = words.some((word, index) => word === '--require' && isRegister(words[index + 1] ?? '', file))
  return join(isThere ? words : ['--require', file, ...words])
}

/**
 * The same flags with this file in place of names of ours that only resolve from some folders, and of the ES module, which
 * Node does not load in a worker that is made of a string.
 */
export function absoluteWords(words: readonly string[], file: string): string[] {
  const result: string[] = []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    const match = flags.exec(word)
    const value = match?.[1] ?? words[index + 1] ?? ''
    if (match === null || !isRegister(value, file)) {
      result.push(word)
      continue
    }
    result.push('--require', commonJs(value, file))
    if (match[1] === undefined) index += 1
  }
  return result
}

function isRegister(value: string, file: string): boolean {
  if (value === 'holdfast/register') return true
  const { dir, name, ext } = path.parse(toPath(value))
  if (name !== 'register' || (ext !== '.mjs' && ext !== '.cjs')) return false
  return path.resolve(dir) === path.dirname(file) || real(path.join(dir, 'register.cjs')) === file
}

/** As it was given, where that is absolute: a link such as /opt/holdfast stays one, for the day on which it is set anew. */
function commonJs(value: string, file: string): string {
  const given = toPath(value)
  return path.isAbsolute(given) ? path.join(path.dirname(given), 'register.cjs') : file
}

function toPath(value: string): string {
  try {
    return value.startsWith('file:') ? url.fileURLToPath(value) : value
  } catch {
    return value
  }
}

function real(file: string): string | undefined {
  try {
    return require.resolve(path.resolve(file))
  } catch {
    return undefined
  }
}

/** As Node splits them: at spaces, but for those in double quotes, in which a backslash takes the next character as it is. */
function split(nodeOptions: string): string[] {
  const words = nodeOptions.match(/(?:"(?:\\.|[^"\\])*"?|[^ "])+/gs) ?? []
  return words.map((word) =>
    word.replaceAll(/"((?:\\.|[^"\\])*)"?/gs, (_whole, quoted: string) => quoted.replaceAll(/\\(.)/gs, '$1')),
  )
}

function join(words: readonly string[]): string {
  return words.map((word) => (/[ "]/.test(word) ? inQuotes(word) : word)).join(' ')
}

function inQuotes(word: string): string {
  return `"${word.replaceAll(/["\\]/g, '\\$&')}"`
}

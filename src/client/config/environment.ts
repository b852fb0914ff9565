import process from 'node:process'
import { matchesPattern } from '../../keys/patterns.js'
import type { SshAnswer } from './answer.js'

/** The variables of SendEnv, as this process has them, and those of SetEnv, which win (ssh_config(5)). */
export function configuredEnv(answer: SshAnswer): Readonly<Record<string, string>> {
  const patterns = answer.all('sendenv')
  const sent = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && patterns.some((pattern) => matchesPattern(name, pattern)) ? [[name, value] as const] : [],
  )
  return Object.fromEntries([...sent, ...answer.all('setenv').map(splitVariable)])
}

function splitVariable(line: string): readonly [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

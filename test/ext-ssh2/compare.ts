import assert from 'node:assert/strict'
import process from 'node:process'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Availability, everyAvailability, requireAvailable } from '../servers/availability.js'
import { preparePhp, runPhp } from '../servers/php.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'

/** What one call gave: PHP's resources are told by their type, a thrown error by its name and text. */
interface Told {
  readonly value: unknown
  readonly warnings: readonly string[]
}

export type Answers = Readonly<Record<string, Told>>

/** What scripts get of a server: the same for both sides. */
export interface Given {
  readonly host: string
  readonly port: number
  readonly closedPort: number
  readonly username: string
  readonly password: string
}

/** Of calls that differ on purpose: how. */
export type Differences = Readonly<Record<string, string>>

export const prepareComparison = (): Promise<Availability> => everyAvailability([preparePhp(), prepareSshd('9.2')])

/** Runs `test/ext-ssh2/php/NAME.php`. */
export async function answersOfPhp(name: string, given: Given, signal: AbortSignal): Promise<Answers> {
  requireAvailable(await preparePhp())
  const script = fileURLToPath(new URL(`../../../test/ext-ssh2/php/${name}.php`, import.meta.url))
  const { stdout } = await runPhp(script, [], { input: JSON.stringify(given), signal })
  return JSON.parse(stdout) as Answers
}

export function givenOf({ host, port, username, password }: SshdServer, closedPort: number): Given {
  return { host, port, closedPort, username, password }
}

/** Collects what the functions of `holdfast/ext-ssh2` answer, as `answers.php` does it of PHP's. */
export class AnswersHere {
  readonly answers: Record<string, Told> = {}

  async answer<T>(label: string, call: () => T | Promise<T>): Promise<T | undefined> {
    const warnings: string[] = []
    const heard = (warning: Error): void => {
      if (warning.name === 'Ssh2Warning') warnings.push(warning.message)
    }
    process.on('warning', heard)
    try {
      const value = await call()
      // Warnings are told on the next tick.
      await setImmediate()
      this.answers[label] = { value: told(value), warnings }
      return value
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      this.answers[label] = { value: `TypeError: ${error.message}`, warnings }
      return undefined
    } finally {
      process.off('warning', heard)
    }
  }
}

function told(value: unknown): unknown {
  const type = Object.prototype.toString.call(value).slice('[object '.length, -1)
  if (type.startsWith('SSH2 ')) return `resource(${type})`
  return Buffer.isBuffer(value) ? value.toString() : value
}

/**
 * Holds both against each other. A warning of ours is PHP's first, and may say the reason behind it. A difference that is
 * none any more fails too.
 */
export function assertSame(php: Answers, here: Answers, differences: Differences = {}): void {
  assert.deepEqual(Object.keys(here), Object.keys(php), 'both ask the same')
  for (const [label, theirs] of Object.entries(php)) {
    const ours = here[label]
    if (ours === undefined) throw new Error(`${label} was not asked here`)
    const what = `${label}\nPHP:  ${JSON.stringify(theirs)}\nhere: ${JSON.stringify(ours)}`
    assert.equal(isSame(theirs, ours), !(label in differences), what)
  }
  for (const label of Object.keys(differences)) assert.ok(label in php, `${label} is asked`)
}

function isSame(php: Told, here: Told): boolean {
  const [theirs, ours] = [php.warnings[0], here.warnings[0]]
  const isWarningSame = theirs === undefined ? ours === undefined : ours?.startsWith(theirs) === true
  return isWarningSame && JSON.stringify(php.value) === JSON.stringify(here.value)
}

import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Ssh2Session, ssh2_auth_password, ssh2_connect } from 'holdfast/ext-ssh2'
import { type Availability, everyAvailability, requireAvailable } from '../servers/availability.js'
import { preparePhp, runPhp } from '../servers/php.js'
import { freePort } from '../servers/port.js'
import { prepareSshd, type SshdOptions } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'

/** What one call gave: PHP's resources are told by their type, a thrown error by its name and text. */
interface Told {
  readonly value: unknown
  readonly warnings: readonly string[]
}

type Answers = Readonly<Record<string, Told>>

/** What scripts get of a server: the same for both sides, but for what one of them uses up. */
export interface Given {
  readonly host: string
  readonly port: number
  readonly closedPort: number
  /** Another one for each side: sshd may not have let go of it yet. */
  readonly listenPort: number
  readonly username: string
  readonly password: string
  /** Paths of private keys; the public ones have `.pub` behind. */
  readonly keys: Readonly<Record<'ed25519' | 'ecdsa' | 'rsa', string>>
  /** Empty, and everybody's. */
  readonly folder: string
  /** What the test adds. */
  readonly extra: Readonly<Record<string, string | number>>
}

export interface Comparison {
  /** `test/ext-ssh2/php/NAME.php` */
  readonly script: string
  /** The same calls in the same order, under the same labels. */
  readonly here: (here: AnswersHere, given: Given) => Promise<void>
  /** Of calls that differ on purpose: how. */
  readonly differences?: Readonly<Record<string, string>>
  readonly server?: Omit<SshdOptions, 'version'>
  readonly extra?: Given['extra']
  /** Whether only values are compared: PHP's warnings may be of another function. @default false */
  readonly isOfValues?: boolean
  /** Puts into `folder` what each side is to find there. */
  readonly fill?: (folder: string) => Promise<void>
}

export const prepareComparison = (): Promise<Availability> => everyAvailability([preparePhp(), prepareSshd('9.2')])

/** Has both sides ask the same of one sshd, and holds the answers against each other. */
export async function compare(t: TestContext, comparison: Comparison): Promise<void> {
  const { script, here, differences = {}, server, extra, fill, isOfValues = false } = comparison
  const { host, port, username, password, clientKeys } = await sshd(t, { ...server, version: '9.2' })
  const folder = await sharedFolder(t, fill)
  const closedPort = await freePort()
  const given = async (): Promise<Given> => ({
    host,
    port,
    closedPort,
    listenPort: await freePort(),
    username,
    password,
    keys: {
      ed25519: clientKeys.ed25519.privateKey,
      ecdsa: clientKeys.ecdsa.privateKey,
      rsa: clientKeys.rsa.privateKey,
    },
    folder: await folder(),
    extra: extra ?? {},
  })
  const ours = new AnswersHere()
  await here(ours, await given())
  const php = await answersOfPhp(script, await given(), t.signal)
  assertSame(
    isOfValues ? withoutWarnings(php) : php,
    isOfValues ? withoutWarnings(ours.answers) : ours.answers,
    differences,
  )
}

/** One name, so that both sides are told the same of it. */
async function sharedFolder(t: TestContext, fill: Comparison['fill']): Promise<() => Promise<string>> {
  const parent = await mkdtemp(path.join(tmpdir(), 'holdfast-php-'))
  t.after(() => rm(parent, { recursive: true, force: true }))
  await chmod(parent, 0o755)
  const folder = path.join(parent, 'folder')
  return async () => {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder)
    // Not by the call before, which the mask of this process cuts.
    await chmod(folder, 0o777)
    await fill?.(folder)
    return folder
  }
}

async function answersOfPhp(name: string, given: Given, signal: AbortSignal): Promise<Answers> {
  requireAvailable(await preparePhp())
  const script = fileURLToPath(new URL(`../../../test/ext-ssh2/php/${name}.php`, import.meta.url))
  const { stdout } = await runPhp(script, [], { input: JSON.stringify(given), signal })
  return JSON.parse(stdout) as Answers
}

/** Collects what the functions of `holdfast/ext-ssh2` answer, as `answers.php` does it of PHP's. */
export class AnswersHere {
  readonly answers: Record<string, Told> = {}

  async answer<T>(label: string, call: () => T | Promise<T>): Promise<T | undefined> {
    assert.ok(!(label in this.answers), `${label} is asked once`)
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
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error
      const name = error instanceof TypeError ? 'TypeError' : 'ValueError'
      this.answers[label] = { value: `${name}: ${error.message}`, warnings }
      return undefined
    } finally {
      process.off('warning', heard)
    }
  }
}

/** PHP tells all its streams as one kind of resource. */
function told(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString()
  if (value instanceof Readable) return 'resource(stream)'
  const type = Object.prototype.toString.call(value).slice('[object '.length, -1)
  return type.startsWith('SSH2 ') ? `resource(${type})` : value
}

function withoutWarnings(answers: Answers): Answers {
  return Object.fromEntries(Object.entries(answers).map(([label, { value }]) => [label, { value, warnings: [] }]))
}

/** What libssh2 says behind PHP's own text; in that place we say what the matter is. */
const reasons = [
  'Callback returned error',
  'Unable to open public key file',
  'Username/PublicKey combination invalid',
  'failed to send file (-28)',
]

/**
 * Holds both against each other. A warning of ours is one of PHP's, which has two for some, and may say the reason behind it. A difference that is
 * none any more fails too.
 */
function assertSame(php: Answers, here: Answers, differences: Readonly<Record<string, string>>): void {
  assert.deepEqual(Object.keys(here), Object.keys(php), 'both ask the same')
  for (const label of Object.keys(differences)) assert.ok(label in php, `${label} is asked`)
  const wrong = Object.entries(php).filter(([label, theirs]) => isSame(theirs, here[label]) === label in differences)
  const shown = wrong.map(
    ([label, theirs]) =>
      `${label}: ${label in differences ? 'differs no more' : 'differs'}\nPHP:  ${JSON.stringify(theirs)}\nhere: ${JSON.stringify(here[label])}\n`,
  )
  assert.equal(shown.join(''), '')
}

function isSame(php: Told, here: Told | undefined): boolean {
  const ours = here?.warnings[0]
  const isWarningSame =
    ours === undefined
      ? php.warnings.length === 0
      : php.warnings.some((theirs) => ours.startsWith(withoutReason(theirs)))
  return isWarningSame && JSON.stringify(php.value) === JSON.stringify(here?.value)
}

function withoutReason(warning: string): string {
  const reason = reasons.find((text) => warning.endsWith(`: ${text}`))
  return reason === undefined ? warning : warning.slice(0, -reason.length)
}

/** A session here on which the test's user has logged in. */
export async function loggedInAs({ host, port, username, password }: Given): Promise<Ssh2Session> {
  const session = await ssh2_connect(host, port)
  assert.ok(session !== false && (await ssh2_auth_password(session, username, password)))
  return session
}

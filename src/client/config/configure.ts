import process from 'node:process'
import { HoldfastError } from '../../errors.js'
import { expandHome } from '../../keys/paths.js'
import { resolveLimits } from '../limits.js'
import { nodeEnvironment } from '../node-environment.js'
import type { ConnectOptions } from '../options.js'
import { govern, governedLimits } from '../policy/govern.js'
import { configuredAlgorithms } from './algorithms.js'
import { SshAnswer } from './answer.js'
import type { Configured } from './configured.js'
import { configuredEnv } from './environment.js'
import { honoured, type IgnoredKeyword, protective, withoutMeaning } from './keywords.js'
import { merge } from './merge.js'
import { sparingSystemFiles, translate, wayOf } from './options.js'
import { askSsh } from './ssh-program.js'

/**
 * Lays options over what ssh_config says of the host, if they ask for it, and a policy around both.
 * @param choosesWay false for a host whose way is known already: it is a later one of several hops
 * @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_POLICY, and as `askSsh`
 */
export async function configure(options: ConnectOptions, choosesWay = true): Promise<Configured> {
  return govern(await readSshConfig(options, choosesWay), options)
}

async function readSshConfig(options: ConnectOptions, choosesWay: boolean): Promise<Configured> {
  const { config = false, host } = options
  if (config === false) return { options, named: undefined, env: undefined, spentMs: 0, ignored: [] }
  if (host === undefined || host === '') throw noHost()
  const since = nodeEnvironment.now()
  const answer = await ask(host, config, options)
  const ignored = [...answer.keywords.flatMap((keyword) => unknownTo(answer, keyword))]
  const algorithms = configuredAlgorithms(answer)
  const tokens = {
    alias: host,
    host: answer.value('hostname') ?? host,
    port: Number(answer.value('port') ?? 22),
    username: answer.value('user') ?? '',
    keyName: answer.value('hostkeyalias') ?? host,
  }
  const note = (keyword: IgnoredKeyword) => ignored.push(keyword)
  const configured = { ...translate(answer, tokens, note), ...(choosesWay && wayOf(answer)) }
  const merged = merge({ ...configured, algorithms: algorithms.options }, options)
  const areFilesGiven = options.hostKey?.knownHosts !== undefined
  const checked = areFilesGiven ? merged : sparingSystemFiles(merged, answer, note)
  warnOf(host, ignored)
  return {
    options: checked,
    alias: host,
    named: [...algorithms.named, ...(options.algorithms?.cipher ?? []), ...(options.algorithms?.mac ?? [])],
    env: configuredEnv(answer),
    spentMs: nodeEnvironment.now() - since,
    ignored,
  }
}

/**
 * `Match exec` and ProxyCommand put names into a command line. ssh refuses these in names since 9.6, and earlier ones do not
 * (CVE-2023-51385); control characters in the user's name since 10.1 (CVE-2025-61984): a shell ends a command at a line feed.
 */
const wrongHost = /^-|['`"$\\;&<>|(){}\s\p{Cc}]/u
const wrongUser = /^-|\s-|['`";&<>|(){}\p{Cc}]|\\$/u

async function ask(host: string, config: string | true, options: ConnectOptions): Promise<SshAnswer> {
  const { port, username, signal } = options
  if (wrongHost.test(host)) throw notForShell('host')
  if (username !== undefined && wrongUser.test(username)) throw notForShell('username')
  const { dns, connect } = resolveLimits(governedLimits(options) ?? {})
  const shorter =
    connect < dns ? ({ limit: 'connect', limitMs: connect } as const) : ({ limit: 'dns', limitMs: dns } as const)
  const run = { what: `ssh_config of ${host}`, ...shorter, signal }
  const given = [
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(username === undefined ? [] : ['-l', username]),
  ]
  // Match and tokens go by port and user too.
  const question = [...given, '--', host]
  const file = config === true ? [] : ['-F', expandHome(config)]
  const [output, defaults] = await Promise.all([
    askSsh(['-G', ...file, ...question], run),
    askSsh(['-G', '-F', 'none', ...question], run),
  ])
  return new SshAnswer(output, defaults)
}

function unknownTo(answer: SshAnswer, keyword: string): readonly IgnoredKeyword[] {
  if (honoured.has(keyword) || withoutMeaning.has(keyword)) return []
  return [{ keyword, value: answer.all(keyword).join(', '), why: 'Holdfast has nothing like it' }]
}

/** What only takes a convenience away is told by `stats()`; what was to protect somebody is told aloud. */
function warnOf(host: string, ignored: readonly IgnoredKeyword[]): void {
  for (const { keyword, value, why } of ignored) {
    if (!protective.has(keyword)) continue
    const message = `ssh_config of ${host}: ${keyword} ${value} is not in force: ${why}`
    process.emitWarning(message, { type: 'HoldfastWarning', code: 'HOLDFAST_CONFIG_IGNORED' })
  }
}

function notForShell(field: string): HoldfastError {
  const message = `${field} has characters that a shell would take for its own: ssh_config can put it into a command`
  return new HoldfastError('ERR_SSH_OPTION', message, { phase: 'options' })
}

function noHost(): HoldfastError {
  const message = 'config is given, and host is missing: whom to look up in ssh_config?'
  return new HoldfastError('ERR_SSH_OPTION', message, { phase: 'options' })
}

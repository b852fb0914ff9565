import { HoldfastError } from '../../errors.js'
import { defaultAlgorithms } from '../../kex/algorithms.js'
import { plainName } from '../../keys/key-types/registry.js'
import { algorithmNames } from '../algorithm-names.js'
import type { AlgorithmOptions } from '../options.js'
import type { SshAnswer } from './answer.js'

type List = keyof AlgorithmOptions

const keywords: Readonly<Record<List, string>> = {
  kex: 'kexalgorithms',
  serverHostKey: 'hostkeyalgorithms',
  cipher: 'ciphers',
  mac: 'macs',
  publicKey: 'pubkeyacceptedalgorithms',
}

const lists = ['kex', 'serverHostKey', 'cipher', 'mac', 'publicKey'] as const satisfies readonly List[]

export interface ConfiguredAlgorithms {
  readonly options: AlgorithmOptions
  /** Those that somebody wrote down because ssh by itself would not offer them. */
  readonly named: readonly string[]
}

/**
 * The lists that somebody set, without what only ssh has. `+` adds to our own list; any other list stands for itself.
 * @throws HoldfastError ERR_SSH_CONFIG where nothing of a list is known here
 */
export function configuredAlgorithms(answer: SshAnswer): ConfiguredAlgorithms {
  const options: Partial<Record<List, readonly string[]>> = {}
  const named: string[] = []
  for (const list of lists) {
    const value = answer.set(keywords[list])
    if (value === undefined) continue
    const byDefault = namesOf(answer.default(keywords[list]) ?? '', list)
    const chosen = choose(namesOf(value, list), byDefault, list)
    options[list] = chosen
    named.push(...chosen.filter((name) => !byDefault.includes(name) && !ours(list).includes(name)))
  }
  return { options, named }
}

function choose(names: readonly string[], byDefault: readonly string[], list: List): readonly string[] {
  const known = names.filter((name) => algorithmNames[list].includes(name))
  if (known.length === 0) {
    const problem = `none of ${keywords[list]} in ssh_config is known here: ${names.join(',')}`
    throw new HoldfastError('ERR_SSH_CONFIG', problem, {
      phase: 'options',
      hint: `name others in ssh_config, or in the option algorithms.${list}`,
    })
  }
  const isAddition = byDefault.every((name, index) => names[index] === name)
  if (!isAddition) return known
  // A release of ssh that does not know our best algorithm yet has not taken it away either.
  return [...ours(list), ...known.filter((name) => !ours(list).includes(name) && !byDefault.includes(name))]
}

/** Without SHA-1, which a list of ours has only by name. */
function ours(list: List): readonly string[] {
  if (list !== 'publicKey') return defaultAlgorithms[list]
  return algorithmNames.publicKey.filter((name) => plainName(name) === name && name !== 'ssh-rsa')
}

/** For keys of ours, the algorithm of a certificate goes by that of its key. */
function namesOf(value: string, list: List): readonly string[] {
  const names = value.split(',').filter((name) => name !== '')
  return list === 'publicKey' ? [...new Set(names.map(plainName))] : names
}

import { algorithmNames } from '../client/algorithm-names.js'
import type { AlgorithmOptions } from '../client/options.js'
import { warn } from './answer.js'
import { arrayArgument, type Place } from './arguments.js'

/** Lists of names with commas between, in order of preference. */
export interface Ssh2Methods {
  readonly kex?: string
  readonly hostkey?: string
  readonly client_to_server?: DirectionMethodLists
  readonly server_to_client?: DirectionMethodLists
}

export interface DirectionMethodLists {
  readonly crypt?: string
  readonly mac?: string
  /** `none` is all there is. */
  readonly comp?: string
  readonly lang?: string
}

const directions = { client_to_server: 'client to server', server_to_client: 'server to client' } as const

/** The lists of `ssh2_connect()` as options of ours: what is not known here is left out, as libssh2 does. @throws TypeError */
export function algorithmsOf(place: Place, methods: unknown): AlgorithmOptions {
  const [name] = place
  const lists = arrayArgument(place, methods)
  const both = (method: string, known: readonly string[]) =>
    Object.entries(directions).map(([key, says]) => {
      const list = asArray(lists.get(key)).get(method)
      return listOf(name, list, known, `Failed overriding ${says} ${method.toUpperCase()} method`)
    })
  both('comp', ['none'])
  return withoutUndefined({
    kex: listOf(name, lists.get('kex'), algorithmNames.kex, 'Failed overriding KEX method'),
    serverHostKey: listOf(name, lists.get('hostkey'), algorithmNames.serverHostKey, 'Failed overriding HOSTKEY method'),
    cipher: oneOf(name, both('crypt', algorithmNames.cipher), 'crypt'),
    mac: oneOf(name, both('mac', algorithmNames.mac), 'mac'),
  })
}

/** @returns undefined where nothing is asked for, and with a warning where nothing of it is known: then the usual ones hold */
function listOf(name: string, list: unknown, known: readonly string[], says: string): readonly string[] | undefined {
  if (list === undefined) return undefined
  const wanted = typeof list === 'string' ? list.split(',') : []
  const usable = wanted.filter((algorithm) => known.includes(algorithm))
  if (usable.length > 0) return usable
  warn(name, says)
  return undefined
}

/** Here both directions are negotiated by one list. */
function oneOf(
  name: string,
  [there, back]: readonly (readonly string[] | undefined)[],
  method: string,
): readonly string[] | undefined {
  if (there === undefined || back === undefined) return there ?? back
  const common = there.filter((algorithm) => back.includes(algorithm))
  if (common.length > 0) return common
  warn(name, `${method}: the lists of the two directions have nothing in common: both hold for both`)
  return [...there, ...back]
}

function asArray(value: unknown): ReadonlyMap<string, unknown> {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : new Map()
}

function withoutUndefined(options: AlgorithmOptions): AlgorithmOptions {
  return Object.fromEntries(Object.entries(options).filter(([, list]) => list !== undefined))
}

import { Random } from '../support/core/random.js'
import { decoders } from './decoders.js'
import { mutate } from './mutate.js'
import { playSession, type Scenario, scenarios } from './session.js'
import { whatIsWrong } from './try-decoder.js'

/** What a round is about: whole sessions of one kind, or all decoders. */
export const subjects = ['decoders', ...scenarios] as const
export type Subject = (typeof subjects)[number]

export interface RoundReport {
  readonly problems: readonly string[]
  readonly inputs: number
  readonly settled: number
}

/** One round, whose every detail follows from its seed. */
export async function playRound(subject: Subject, seed: number): Promise<RoundReport> {
  return subject === 'decoders' ? tryDecoders(seed) : playOne(subject, seed)
}

async function playOne(scenario: Scenario, seed: number): Promise<RoundReport> {
  const { problems, settled } = await playSession(scenario, seed)
  return { problems, inputs: 1, settled }
}

function tryDecoders(seed: number): RoundReport {
  const random = new Random(seed)
  const problems: string[] = []
  for (const decoder of decoders) {
    const bytes = mutate(random.pick(decoder.samples), random)
    const problem = whatIsWrong(decoder, bytes)
    if (problem !== undefined) problems.push(`${decoder.name}, given ${bytes.toString('hex')}: ${problem}`)
  }
  return { problems, inputs: decoders.length, settled: 0 }
}

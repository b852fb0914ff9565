import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { playRound, subjects } from './round.js'

/** Wall time for each kind, of which a slow machine makes fewer rounds. */
const budgetMs = 1500
const roundsMax = 100

for (const subject of subjects) {
  test(`${subject}: rounds with a fixed seed`, () => playSome(subject, 1, 10))

  test(`${subject}: rounds with a seed of their own`, (context: TestContext) => {
    const seed = randomInt(2 ** 31)
    context.diagnostic(`seed ${seed}`)
    return playSome(subject, seed, roundsMax)
  })
}

async function playSome(subject: (typeof subjects)[number], first: number, rounds: number): Promise<void> {
  const endAt = Date.now() + budgetMs
  for (let seed = first; seed < first + rounds && Date.now() < endAt; seed++) {
    const { problems } = await playRound(subject, seed)
    assert.deepEqual(problems, [], `replay it: npm run fuzz -- --replay ${subject} --seed ${seed}`)
  }
}

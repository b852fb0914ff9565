import type { Invariant } from '../run.js'
import { answersAreTaken } from './answers.js'
import { bytesAreWhole } from './bytes.js'
import { commandLimitsAreKept } from './command-limits.js'
import { deadIsNoticed } from './deadline.js'
import { endingIsTrue } from './ending.js'
import { clientIsMannered } from './manners.js'
import { memoryIsBounded } from './memory.js'
import { natIsKeptOpen } from './nat.js'
import { nothingGoesAstray } from './order.js'
import { everythingArrives } from './progress.js'
import { resultsAreTrue } from './results.js'
import { promisesSettle } from './settled.js'
import { statesAreInOrder } from './states.js'
import { verdictIsDeserved } from './verdict.js'

/** All that must hold, made anew for one run. */
export function allInvariants(): readonly Invariant[] {
  return [
    verdictIsDeserved(),
    deadIsNoticed(),
    endingIsTrue(),
    promisesSettle(),
    answersAreTaken(),
    commandLimitsAreKept(),
    bytesAreWhole(),
    everythingArrives(),
    nothingGoesAstray(),
    resultsAreTrue(),
    memoryIsBounded(),
    statesAreInOrder(),
    clientIsMannered(),
    natIsKeptOpen(),
  ]
}

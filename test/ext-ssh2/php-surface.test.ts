import { describe, test } from 'node:test'
import * as face from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { compare, prepareComparison } from './compare.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('which constants there are', (t) =>
    compare(t, {
      script: 'surface',
      here: async (here) => {
        const constants = Object.entries(face).filter(([name]) => name.startsWith('SSH2_'))
        await here.answer('constants', () => Object.fromEntries(constants))
      },
    }))
})

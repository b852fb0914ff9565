import { describe, test } from 'node:test'
import * as face from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { compare, prepareComparison } from './compare.js'

const skip = skipReason(await prepareComparison())

/** Of later versions, and of this face alone. */
const others = new Set([
  'ssh2_auth_pubkey',
  'ssh2_forward_port',
  'ssh2_keepalive_config',
  'ssh2_keepalive_send',
  'ssh2_last_error',
  'ssh2_send_signal',
  'ssh2_set_timeout',
  'ssh2_shell_resize',
])

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('which functions and constants there are', (t) =>
    compare(t, {
      script: 'surface',
      here: async (here) => {
        const constants = Object.entries(face).filter(([name]) => name.startsWith('SSH2_'))
        await here.answer('constants', () => Object.fromEntries(constants))
        await here.answer('functions', () =>
          Object.keys(face).filter((name) => name.startsWith('ssh2_') && !others.has(name)),
        )
      },
    }))
})

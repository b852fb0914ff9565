import { describe, test } from 'node:test'
import {
  ssh2_connect,
  ssh2_disconnect,
  ssh2_publickey_add,
  ssh2_publickey_init,
  ssh2_publickey_list,
  ssh2_publickey_remove,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { compare, loggedInAs, prepareComparison } from './compare.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('of the publickey subsystem, which sshd has not', (t) =>
    compare(t, {
      script: 'publickey',
      differences: {
        'a server without it': "PHP puts a number of libssh2's behind it, and here is why",
        'a handle of something else': 'a TypeError in both; PHP names the kind of resource that it wants',
      },
      here: async (here, given) => {
        const session = await loggedInAs(given)
        const stranger = got(await ssh2_connect(given.host, given.port))
        const none = 'pkey' as never
        await here.answer('a server without it', () => ssh2_publickey_init(session))
        await here.answer('no session', () => ssh2_publickey_init('session' as never))
        await here.answer('no login', () => ssh2_publickey_init(stranger))
        await here.answer('to list', () => ssh2_publickey_list(none))
        await here.answer('to add', () => ssh2_publickey_add(none, 'ssh-rsa', 'blob'))
        await here.answer('to remove', () => ssh2_publickey_remove(none, 'ssh-rsa', 'blob'))
        await here.answer('a handle of something else', () => ssh2_publickey_list(session as never))
        await Promise.all([ssh2_disconnect(session), ssh2_disconnect(stranger)])
      },
    }))
})

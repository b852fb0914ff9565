import { describe, test } from 'node:test'
import {
  SSH2_FINGERPRINT_HEX,
  SSH2_FINGERPRINT_MD5,
  SSH2_FINGERPRINT_RAW,
  SSH2_FINGERPRINT_SHA1,
  type Ssh2Session,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_fingerprint,
  ssh2_methods_negotiated,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { compare, prepareComparison } from './compare.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to connect and disconnect', (t) =>
    compare(t, {
      script: 'connect',
      differences: {
        'a callback for macerror': 'a session in both; that it is never asked is said here',
      },
      here: async (here, { host, port, closedPort }) => {
        const opened: Ssh2Session[] = []
        const open = async (methods?: unknown, callbacks?: unknown) => {
          const session = await ssh2_connect(host, port, methods as never, callbacks as never)
          if (session !== false) opened.push(session)
          return session
        }
        const session = got((await here.answer('connect', () => open())) ?? false)
        await here.answer('nobody listens', () => ssh2_connect(host, closedPort))
        await here.answer('a port that is none', () => ssh2_connect(host, 70_000))
        await here.answer('a port that is text', () => ssh2_connect(host, 'ssh' as never))
        await here.answer('methods that are text', () => open('x'))
        await here.answer('unknown key exchange', () => open({ kex: 'no-such' }))
        await here.answer('unknown host key', () => open({ hostkey: 'no-such' }))
        await here.answer('unknown cipher', () => open({ client_to_server: { crypt: 'no-such' } }))
        await here.answer('unknown mac', () => open({ server_to_client: { mac: 'no-such' } }))
        await here.answer('unknown compression', () => open({ client_to_server: { comp: 'no-such' } }))
        await here.answer('an unknown list', () => open({ 'no-such': 'x' }))
        await here.answer('some unknown', () => open({ kex: 'no-such,curve25519-sha256' }))
        const callbacks = { disconnect: () => null, debug: () => null, ignore: () => null, 'no-such': 1 }
        await here.answer('callbacks', () => open(null, callbacks))
        await here.answer('a callback for macerror', () => open(null, { macerror: () => true }))
        await here.answer('a callback that is none', () => open(null, { disconnect: 'no_such_function' }))
        await here.answer('disconnect', () => ssh2_disconnect(session))
        await here.answer('a second time', () => ssh2_disconnect(session))
        await here.answer('disconnect what is no session', () => ssh2_disconnect('session' as never))
        await Promise.all(opened.map((each) => ssh2_disconnect(each)))
      },
    }))

  test('what is known of the host', (t) =>
    compare(t, {
      script: 'host',
      differences: {
        'two ciphers': 'both directions are negotiated by one list here',
        'by default': 'newer algorithms come first here',
      },
      here: async (here, { host, port }) => {
        const direction = { crypt: 'aes256-ctr', mac: 'hmac-sha2-512', comp: 'none' }
        const both = { client_to_server: direction, server_to_client: direction }
        const methods = { kex: 'curve25519-sha256', hostkey: 'ssh-ed25519', ...both }
        const session = got(await ssh2_connect(host, port, methods))
        const hex = (flags: number) => Buffer.from(got(ssh2_fingerprint(session, flags))).toString('hex')
        await here.answer('methods', () => ssh2_methods_negotiated(session))
        await here.answer('fingerprint', () => ssh2_fingerprint(session))
        await here.answer('MD5', () => ssh2_fingerprint(session, SSH2_FINGERPRINT_MD5 | SSH2_FINGERPRINT_HEX))
        await here.answer('SHA1', () => ssh2_fingerprint(session, SSH2_FINGERPRINT_SHA1))
        await here.answer('MD5 raw', () => hex(SSH2_FINGERPRINT_RAW))
        await here.answer('SHA1 raw', () => hex(SSH2_FINGERPRINT_SHA1 | SSH2_FINGERPRINT_RAW))
        await here.answer('other flags', () => hex(99))
        await here.answer('no session', () => ssh2_fingerprint(7 as never))
        await here.answer('flags that are text', () => ssh2_fingerprint(session, 'x' as never))

        const ciphers = { client_to_server: { crypt: 'aes128-ctr' }, server_to_client: { crypt: 'aes256-ctr' } }
        const other = got(await ssh2_connect(host, port, ciphers))
        await here.answer('two ciphers', () => {
          const { client_to_server: there, server_to_client: back } = got(ssh2_methods_negotiated(other))
          return { client_to_server: there.crypt, server_to_client: back.crypt }
        })
        const usual = got(await ssh2_connect(host, port))
        await here.answer('by default', () => ssh2_methods_negotiated(usual))
        await Promise.all([session, other, usual].map((each) => ssh2_disconnect(each)))
      },
    }))
})

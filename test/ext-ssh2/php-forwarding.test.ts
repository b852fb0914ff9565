import { once } from 'node:events'
import { connect as tcp } from 'node:net'
import { describe, test } from 'node:test'
import {
  fclose,
  feof,
  fgets,
  fwrite,
  SSH2_POLLIN,
  SSH2_POLLOUT,
  type Ssh2Session,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_forward_accept,
  ssh2_forward_listen,
  ssh2_poll,
  ssh2_tunnel,
  stream_get_contents,
  stream_get_meta_data,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { type AnswersHere, compare, type Given, loggedInAs, prepareComparison } from './compare.js'
import { greeter } from './greeter.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to make tunnels, to listen and to poll', async (t) =>
    compare(t, {
      script: 'forwarding',
      extra: { greeter: await greeter(t) },
      differences: {
        'to accept of a session': 'a TypeError in both; PHP names the kind of resource that it wants',
        'to poll': 'php-ssh2 1.3.1 takes no resource of PHP 8',
        'to poll what is no list': 'a TypeError in both; the manual names the argument as here',
      },
      here: async (here, given) => {
        const session = await loggedInAs(given)
        const stranger = got(await ssh2_connect(given.host, given.port))
        await tunnels(here, given, session)
        const greeterPort = Number(given.extra['greeter'])
        await here.answer('a tunnel before a login', () => ssh2_tunnel(stranger, given.host, greeterPort))
        await here.answer('to listen before a login', () => ssh2_forward_listen(stranger, given.listenPort))
        await listening(here, given, session)
        await polling(here, session)
        await Promise.all([ssh2_disconnect(session), ssh2_disconnect(stranger)])
      },
    }))
})

async function tunnels(here: AnswersHere, { host, closedPort, extra }: Given, session: Ssh2Session): Promise<void> {
  const tunnel =
    (await here.answer('a tunnel', () => ssh2_tunnel(session, host, Number(extra['greeter'])))) || undefined
  if (tunnel === undefined) return
  await here.answer('what it says first', () => fgets(tunnel))
  await here.answer('what is written', () => fwrite(tunnel, 'ping\n'))
  await here.answer('what comes back', () => fgets(tunnel))
  await here.answer('no end yet', () => feof(tunnel))
  await here.answer('of what kind it is', () => {
    const { stream_type, mode, seekable } = stream_get_meta_data(tunnel)
    return [stream_type, mode, seekable]
  })
  await here.answer('its end', async () => [
    await fwrite(tunnel, 'quit\n'),
    await stream_get_contents(tunnel),
    feof(tunnel),
  ])
  await here.answer('close', () => fclose(tunnel))
  await here.answer('nobody listens', () => ssh2_tunnel(session, host, closedPort))
  await here.answer('a port of 0', () => ssh2_tunnel(session, host, 0))
  await here.answer('a port that is text', () => ssh2_tunnel(session, host, 'x' as never))
  await here.answer('a host that is none', () => ssh2_tunnel(session, [] as never, 80))
  await here.answer('no session', () => ssh2_tunnel('session' as never, host, 80))
}

async function listening(here: AnswersHere, { host, listenPort }: Given, session: Ssh2Session): Promise<void> {
  const listener = got((await here.answer('to listen', () => ssh2_forward_listen(session, listenPort, host))) ?? false)
  await here.answer('to listen there again', () => ssh2_forward_listen(session, listenPort, host))
  await here.answer('where only root may', () => ssh2_forward_listen(session, 1, host))
  await here.answer('anywhere', () => ssh2_forward_listen(session, 0, host, 4))
  await here.answer('a port to listen that is text', () => ssh2_forward_listen(session, 'x' as never))

  const caller = tcp(listenPort, host)
  caller.write('from\n')
  const accepted = got((await here.answer('to accept', () => ssh2_forward_accept(listener))) ?? false)
  await here.answer('from the caller', () => fgets(accepted))
  await here.answer('to the caller', async () => {
    const answer = once(caller, 'data')
    const written = await fwrite(accepted, 'to\n')
    return [written, ...(await answer).map(String)]
  })
  caller.end()
  await here.answer('the end of the caller', async () => [await stream_get_contents(accepted), feof(accepted)])
  await here.answer('close what was accepted', () => fclose(accepted))
  await here.answer('to accept of no listener', () => ssh2_forward_accept('listener' as never))
  await here.answer('to accept of a session', () => ssh2_forward_accept(session as never))
}

async function polling(here: AnswersHere, session: Ssh2Session): Promise<void> {
  const resource = got(await ssh2_exec(session, 'cat'))
  await here.answer('to poll', async () => {
    const set = { resource, events: SSH2_POLLIN | SSH2_POLLOUT, revents: 0 }
    return [await ssh2_poll([set], 1), set.revents]
  })
  await here.answer('to poll what is no list', () => ssh2_poll('x' as never, 0))
  await here.answer('to poll for no events', () => ssh2_poll([{ resource } as never], 0))
}

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { type Ssh2Session, ssh2_connect, ssh2_disconnect, ssh2_scp_recv, ssh2_scp_send } from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { type AnswersHere, compare, loggedInAs, prepareComparison } from './compare.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to send and fetch files by scp', (t) =>
    compare(t, {
      script: 'scp',
      fill,
      differences: {
        'send a directory': 'PHP begins to send it; here nothing is sent, and the warning says why',
      },
      here: async (here, given) => {
        const session = await loggedInAs(given)
        const stranger = got(await ssh2_connect(given.host, given.port))
        const at = (name: string) => `${given.folder}/${name}`
        await sending(here, session, stranger, at)
        await receiving(here, session, stranger, at)
        await Promise.all([ssh2_disconnect(session), ssh2_disconnect(stranger)])
      },
    }))
})

type Entry = (name: string) => string

async function fill(folder: string): Promise<void> {
  await mkdir(`${folder}/hidden`)
  await writeFile(`${folder}/local`, Buffer.alloc(100_000, 'scp'))
  await chmod(`${folder}/local`, 0o644)
  for (const name of ['empty', 'hidden/file']) await writeFile(`${folder}/${name}`, '')
  await chmod(`${folder}/hidden`, 0o700)
}

async function sending(here: AnswersHere, session: Ssh2Session, stranger: Ssh2Session, at: Entry): Promise<void> {
  const send = async (from: string, to: string, mode?: number) => [
    await ssh2_scp_send(session, at(from), at(to), mode),
    found(at(to)),
  ]
  const local = at('local')
  await here.answer('send', () => send('local', 'sent'))
  await here.answer('send with a mode', () => send('local', 'mode', 0o600))
  await here.answer('send onto a file', () => send('empty', 'mode', 0o644))
  await here.answer('send an empty file', () => send('empty', 'none'))
  await here.answer('send to a name with a space', () => send('local', 'a b'))
  await here.answer('send what is not there', () => ssh2_scp_send(session, at('nothing'), at('x')))
  await here.answer('send to where nothing is', () => ssh2_scp_send(session, local, at('nothing/x')))
  await here.answer('send a directory', () => ssh2_scp_send(session, at('.').slice(0, -2), at('x')))
  await here.answer('send a list', () => ssh2_scp_send(session, [] as never, at('x')))
  await here.answer('send with a mode that is text', () => ssh2_scp_send(session, local, at('x'), 'x' as never))
  await here.answer('send without a login', () => ssh2_scp_send(stranger, local, at('x')))
}

async function receiving(here: AnswersHere, session: Ssh2Session, stranger: Ssh2Session, at: Entry): Promise<void> {
  const receive = async (from: string, to: string) => [await ssh2_scp_recv(session, at(from), at(to)), found(at(to))]
  const local = at('local')
  await here.answer('receive', () => receive('local', 'got'))
  await here.answer('receive an empty file', () => receive('empty', 'void'))
  await here.answer('receive a name with a space', () => receive('a b', 'b a'))
  await here.answer('receive onto a file', () => receive('empty', 'got'))
  await here.answer('receive what is not there', () => ssh2_scp_recv(session, at('nothing'), at('y')))
  await here.answer('nothing is made of it', () => existsSync(at('y')))
  await here.answer('receive to where nothing is', () => ssh2_scp_recv(session, local, at('nothing/y')))
  await here.answer('receive a directory', () => ssh2_scp_recv(session, at('.').slice(0, -2), at('y')))
  await here.answer('receive what is hidden', () => ssh2_scp_recv(session, at('hidden/file'), at('y')))
  await here.answer('receive without a login', () => ssh2_scp_recv(stranger, local, at('y')))
  await here.answer('receive of no session', () => ssh2_scp_recv('session' as never, local, at('y')))
  await here.answer('the session goes on', () => receive('local', 'last'))
}

/** Permissions, size and what is in it. */
function found(file: string): readonly unknown[] {
  const { mode, size } = statSync(file)
  return [(mode & 0o777).toString(8), size, createHash('md5').update(readFileSync(file)).digest('hex')]
}

import { existsSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import {
  fclose,
  feof,
  fgets,
  fread,
  fseek,
  ftell,
  fwrite,
  open,
  rewind,
  SCANDIR_SORT_DESCENDING,
  SEEK_CUR,
  SEEK_END,
  type Ssh2FileStream,
  type Ssh2Session,
  type Ssh2UrlOptions,
  scandir,
  ssh2_disconnect,
  ssh2_send_eof,
  ssh2_sftp,
  stream_get_contents,
  stream_get_meta_data,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { type AnswersHere, compare, type Given, loggedInAs, prepareComparison } from './compare.js'
import { greeter } from './greeter.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to open URLs', async (t) =>
    compare(t, {
      script: 'wrappers',
      isOfValues: true,
      extra: { greeter: await greeter(t) },
      fill: async (folder) => {
        await writeFile(`${folder}/file`, 'hello world\n')
        await writeFile(`${folder}/Other`, '')
      },
      differences: {
        'sftp seek': 'PHP does not know the end of a file, and reads nothing from there',
        'sftp rewind': 'PHP takes a position before the beginning',
        'sftp a': 'PHP opens without the right to write',
        'sftp a of none': 'PHP makes no file to append to',
        'sftp with a login': 'PHP opens none with a login in its URL',
      },
      here: async (here, given) => {
        const session = await loggedInAs(given)
        await commands(here, given, session)
        await tunnels(here, given, session)
        await scp(here, given, session)
        await files(here, given, session)
        await here.answer('disconnect', () => ssh2_disconnect(session))
      },
    }))
})

const loginOf = ({ username, password, host, port }: Given): string => `${username}:${password}@${host}:${port}`

async function contentsOf(url: string, session: Ssh2Session | undefined, ssh2: Ssh2UrlOptions = {}) {
  const stream = await open(url, session === undefined ? { ssh2 } : { session, ssh2 })
  return stream && stream_get_contents(stream)
}

const idOf = (login: string, ssh2?: Ssh2UrlOptions) => contentsOf(`ssh2.exec://${login}/id -un`, undefined, ssh2)

async function firstLine(url: string, session?: Ssh2Session): Promise<string | false> {
  const stream = await open(url, session === undefined ? {} : { session })
  if (stream === false) return false
  const line = await fgets(stream)
  await fclose(stream)
  return line
}

async function text(stream: Ssh2FileStream, length: number): Promise<string | false> {
  const bytes = await fread(stream, length)
  return bytes && bytes.toString()
}

async function commands(here: AnswersHere, given: Given, session: Ssh2Session): Promise<void> {
  const { username, password, host, port, closedPort, keys } = given
  const exec = (command: string, ssh2?: Ssh2UrlOptions) => contentsOf(`ssh2.exec:///${command}`, session, ssh2)
  await here.answer('exec', () => exec('echo hi'))
  await here.answer('exec up to a ?', () => exec('echo a?b'))
  await here.answer('exec of what is coded', () => exec('echo a%20b'))
  await here.answer('exec with a variable', () => exec('echo $LC_FOO', { env: { LC_FOO: 'bar' } }))
  const terminal = { term: 'xterm', term_width: 100, term_height: 40 }
  await here.answer('exec with a terminal', () => exec('stty size', terminal))
  await here.answer('exec with a login', () => idOf(loginOf(given)))
  await here.answer('exec with a wrong login', () => idOf(`${username}:wrong@${host}:${port}`))
  await here.answer('exec without a user', () => idOf(`${host}:${port}`))
  await here.answer('exec where nobody listens', () => idOf(`${username}:${password}@${host}:${closedPort}`))
  const key = { username, pubkey_file: `${keys.ed25519}.pub`, privkey_file: keys.ed25519 }
  await here.answer('exec with a key', () => idOf(`${host}:${port}`, key))
  await here.answer('exec of nothing', () => contentsOf('ssh2.exec://', session))
  await here.answer('exec written to', async () => {
    const stream = got(await open('ssh2.exec:///cat', { session, mode: 'r+' }))
    await fwrite(stream, 'abc')
    ssh2_send_eof(stream)
    return stream_get_contents(stream)
  })
  await here.answer('no such wrapper', () => open('ssh2.none:///x', { session }))
  await here.answer('shell', async () => {
    const shell = got(await open('ssh2.shell:///', { session }))
    await fwrite(shell, 'echo "m$((1+1))k $TERM $(stty size)."; exit 5\n')
    const [said] = /m2k .*\./.exec(got(await stream_get_contents(shell))) ?? []
    return said
  })
}

async function tunnels(here: AnswersHere, given: Given, session: Ssh2Session): Promise<void> {
  const { host, closedPort, extra } = given
  const greets = `${host}:${extra['greeter']}`
  await here.answer('tunnel', () => firstLine(`ssh2.tunnel:///${greets}`, session))
  await here.answer('tunnel with a login', () => firstLine(`ssh2.tunnel://${loginOf(given)}/${greets}`))
  await here.answer('tunnel to where nobody listens', () => firstLine(`ssh2.tunnel:///${host}:${closedPort}`, session))
  await here.answer('tunnel without a port', () => firstLine(`ssh2.tunnel:///${host}`, session))
}

async function scp(here: AnswersHere, given: Given, session: Ssh2Session): Promise<void> {
  const { folder } = given
  await here.answer('scp of what is not there', () => contentsOf(`ssh2.scp://${folder}/nothing`, session))
  await here.answer('scp to write', () => open(`ssh2.scp://${folder}/x`, { session, mode: 'w' }))
  await here.answer('scp with a login', async () => {
    const stream = got(await open(`ssh2.scp://${loginOf(given)}${folder}/file`))
    const bytes = await fread(stream, 5)
    await fclose(stream)
    return bytes
  })
}

async function files(here: AnswersHere, given: Given, session: Ssh2Session): Promise<void> {
  const sftp = got(await ssh2_sftp(session))
  const at = (name: string) => `${given.folder}/${name}`
  const ask = (label: string, name: string, mode: string, work: (stream: Ssh2FileStream) => unknown = () => true) =>
    here.answer(`sftp ${label}`, async () => {
      const stream = await open(`ssh2.sftp://${at(name)}`, { session: sftp, mode })
      return stream && work(stream)
    })
  const content = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null)
  await ask('r', 'file', 'r', async (f) => [await stream_get_contents(f), feof(f), await fclose(f)])
  await ask('r of none', 'none', 'r')
  await ask('rb', 'file', 'rb', (f) => fread(f, 5))
  await ask('pieces', 'file', 'r', async (f) => [await text(f, 2), ftell(f), await fgets(f), feof(f)])
  await ask('seek', 'file', 'r', async (f) => [
    await fseek(f, 4),
    await text(f, 2),
    ftell(f),
    await fseek(f, 2, SEEK_CUR),
    await text(f, 1),
    await fseek(f, -2, SEEK_END),
    await text(f, 9),
  ])
  await ask('rewind', 'file', 'r', async (f) => [
    await text(f, 3),
    await rewind(f),
    await text(f, 3),
    await fseek(f, -1),
  ])
  await ask('meta data', 'file', 'r', (f) => {
    const { stream_type, mode, seekable, timed_out } = stream_get_meta_data(f)
    return [stream_type, mode, seekable, timed_out]
  })
  const list = (name: string, sorting_order?: number) =>
    scandir(`ssh2.sftp://${given.folder}${name}`, {
      session: sftp,
      ...(sorting_order !== undefined && { sorting_order }),
    })
  await here.answer('a directory', () => list(''))
  await here.answer('backwards', () => list('', SCANDIR_SORT_DESCENDING))
  await here.answer('a directory that is none', () => list('/none'))
  await here.answer('a file for a directory', () => list('/file'))
  await ask('w', 'w', 'w', async (f) => [await fwrite(f, 'abc'), await fwrite(f, 'def'), await fclose(f), content('w')])
  await ask('w of what is there', 'w', 'w', async (f) => [await fclose(f), content('w')])
  await ask('w in none', 'none/w', 'w')
  await ask('w+', 'w', 'w+', async (f) => [await fwrite(f, 'new'), await rewind(f), await text(f, 9), await fclose(f)])
  await ask('r+', 'w', 'r+', async (f) => [await text(f, 1), await fwrite(f, 'X'), await fclose(f), content('w')])
  await ask('x', 'x', 'x', async (f) => [await fwrite(f, 'x'), await fclose(f), content('x')])
  await ask('x of what is there', 'x', 'x')
  await ask('a', 'w', 'a', async (f) => [await fwrite(f, '!'), await fclose(f), content('w')])
  await ask('a of none', 'a', 'a', async (f) => [await fwrite(f, '!'), await fclose(f), content('a')])
  await ask('c', 'c', 'c')
  await ask('r written to', 'file', 'r', (f) => fwrite(f, 'x'))
  await ask('w read', 'x', 'w', (f) => fread(f, 1))
  await here.answer('sftp mode of a new file', () => (statSync(at('x')).mode & 0o777).toString(8))
  await here.answer('sftp with a login', () => contentsOf(`ssh2.sftp://${loginOf(given)}${at('file')}`, undefined))
}

import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import {
  type Ssh2Sftp,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_sftp,
  ssh2_sftp_chmod,
  ssh2_sftp_lstat,
  ssh2_sftp_mkdir,
  ssh2_sftp_readlink,
  ssh2_sftp_realpath,
  ssh2_sftp_rename,
  ssh2_sftp_rmdir,
  ssh2_sftp_stat,
  ssh2_sftp_symlink,
  ssh2_sftp_unlink,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { type AnswersHere, compare, loggedInAs, prepareComparison } from './compare.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to ask for files', (t) =>
    compare(t, {
      script: 'sftp',
      fill,
      differences: {
        'no login': 'PHP says it of SFTP in other words than of all else',
        'a handle of something else': 'a TypeError in both; PHP names the kind of resource that it wants',
      },
      here: async (here, given) => {
        const session = await loggedInAs(given)
        const stranger = got(await ssh2_connect(given.host, given.port))
        await here.answer('no login', () => ssh2_sftp(stranger))
        await here.answer('no session', () => ssh2_sftp('session' as never))
        const sftp = got((await here.answer('sftp', () => ssh2_sftp(session))) ?? false)
        const again = await here.answer('sftp again', () => ssh2_sftp(session))
        await here.answer('another one', () => again !== sftp)
        const at = (name: string) => `${given.folder}/${name}`
        await directories(here, sftp, at)
        await properties(here, sftp, at)
        await changes(here, sftp, at)
        await here.answer('no handle', () => ssh2_sftp_stat('sftp' as never, '/'))
        await here.answer('a handle of something else', () => ssh2_sftp_stat(session as never, '/'))
        await Promise.all([ssh2_disconnect(session), ssh2_disconnect(stranger)])
      },
    }))
})

type Entry = (name: string) => string

async function fill(folder: string): Promise<void> {
  const files = ['file', 'other', 'hidden/file'].map((name) => `${folder}/${name}`)
  await mkdir(`${folder}/hidden`)
  for (const file of files) {
    await writeFile(file, 'hello world')
    await chmod(file, 0o644)
    await utimes(file, 1_700_000_000, 1_700_000_001)
  }
  await chmod(`${folder}/hidden`, 0o700)
}

async function directories(here: AnswersHere, sftp: Ssh2Sftp, at: Entry): Promise<void> {
  await here.answer('a directory', () => ssh2_sftp_mkdir(sftp, at('a')))
  await here.answer('the same directory', () => ssh2_sftp_mkdir(sftp, at('a')))
  await here.answer('a directory in none', () => ssh2_sftp_mkdir(sftp, at('none/a')))
  await here.answer('directories in none', () => ssh2_sftp_mkdir(sftp, at('b/c/d'), 0o750, true))
  await here.answer('the same directories', () => ssh2_sftp_mkdir(sftp, at('b/c/d'), 0o750, true))
  await here.answer('their modes', async () => [
    await modeOf(sftp, at('a')),
    await modeOf(sftp, at('b')),
    await modeOf(sftp, at('b/c/d')),
  ])
  await here.answer('with a slash behind', () => ssh2_sftp_mkdir(sftp, at('slash/')))
  await here.answer('a mode that is text', () => ssh2_sftp_mkdir(sftp, at('text'), 'x' as never))
}

async function properties(here: AnswersHere, sftp: Ssh2Sftp, at: Entry): Promise<void> {
  await here.answer('stat', () => ssh2_sftp_stat(sftp, at('file')))
  await here.answer('stat of none', () => ssh2_sftp_stat(sftp, at('none')))
  await here.answer('stat of an empty path', () => ssh2_sftp_stat(sftp, ''))
  await here.answer('stat of a list', () => ssh2_sftp_stat(sftp, [] as never))
  await here.answer('stat of what is hidden', () => ssh2_sftp_stat(sftp, at('hidden/file')))
  await here.answer('a link', () => ssh2_sftp_symlink(sftp, at('file'), at('link')))
  await here.answer('the same link', () => ssh2_sftp_symlink(sftp, at('file'), at('link')))
  await here.answer('a link to nothing', () => ssh2_sftp_symlink(sftp, 'nothing', at('loose')))
  await here.answer('readlink', () => ssh2_sftp_readlink(sftp, at('link')))
  await here.answer('readlink of a link to nothing', () => ssh2_sftp_readlink(sftp, at('loose')))
  await here.answer('readlink of a file', () => ssh2_sftp_readlink(sftp, at('file')))
  await here.answer('readlink of none', () => ssh2_sftp_readlink(sftp, at('none')))
  await here.answer('stat of a link', () => ssh2_sftp_stat(sftp, at('link')))
  await here.answer('lstat of a link', async () => octal(got(await ssh2_sftp_lstat(sftp, at('link'))).mode))
  await here.answer('lstat of a file', () => ssh2_sftp_lstat(sftp, at('file')))
  await here.answer('stat of a link to nothing', () => ssh2_sftp_stat(sftp, at('loose')))
  await here.answer('lstat of none', () => ssh2_sftp_lstat(sftp, at('none')))
  await here.answer('realpath of a link', () => ssh2_sftp_realpath(sftp, at('link')))
  await here.answer('realpath', () => ssh2_sftp_realpath(sftp, at('a/../b/./c')))
  await here.answer('realpath of none', () => ssh2_sftp_realpath(sftp, at('none')))
  await here.answer('realpath in none', () => ssh2_sftp_realpath(sftp, at('none/none')))
  await here.answer('realpath of nothing', async () => {
    const home = await ssh2_sftp_realpath(sftp, '.')
    return (await ssh2_sftp_realpath(sftp, '')) === home
  })
}

async function changes(here: AnswersHere, sftp: Ssh2Sftp, at: Entry): Promise<void> {
  await here.answer('chmod', async () => [await ssh2_sftp_chmod(sftp, at('a'), 0o711), await modeOf(sftp, at('a'))])
  await here.answer('chmod of none', () => ssh2_sftp_chmod(sftp, at('none'), 0o600))
  await here.answer('chmod of what is of root', () => ssh2_sftp_chmod(sftp, at('file'), 0o600))
  await here.answer('rename', () => ssh2_sftp_rename(sftp, at('slash'), at('renamed')))
  await here.answer('rename of none', () => ssh2_sftp_rename(sftp, at('none'), at('other')))
  await here.answer('rename onto a file', () => ssh2_sftp_rename(sftp, at('other'), at('file')))
  await here.answer('rename onto itself', () => ssh2_sftp_rename(sftp, at('other'), at('other')))
  await here.answer('rmdir', () => ssh2_sftp_rmdir(sftp, at('renamed')))
  await here.answer('rmdir of none', () => ssh2_sftp_rmdir(sftp, at('renamed')))
  await here.answer('rmdir of a full one', () => ssh2_sftp_rmdir(sftp, at('b')))
  await here.answer('rmdir of a file', () => ssh2_sftp_rmdir(sftp, at('other')))
  await here.answer('unlink', () => ssh2_sftp_unlink(sftp, at('other')))
  await here.answer('unlink of none', () => ssh2_sftp_unlink(sftp, at('other')))
  await here.answer('unlink of a link', () => ssh2_sftp_unlink(sftp, at('link')))
  await here.answer('unlink of a directory', () => ssh2_sftp_unlink(sftp, at('a')))
  await here.answer('what is left', async () => {
    const left: boolean[] = []
    for (const name of ['a', 'b/c/d', 'file', 'link', 'loose', 'other', 'renamed'])
      left.push((await ssh2_sftp_lstat(sftp, at(name))) !== false)
    return left
  })
}

async function modeOf(sftp: Ssh2Sftp, file: string): Promise<string> {
  return octal(got(await ssh2_sftp_stat(sftp, file)).mode)
}

function octal(mode: number | undefined): string {
  return (mode ?? 0).toString(8)
}

import { describe, test } from 'node:test'
import {
  feof,
  fgets,
  fwrite,
  SSH2_STREAM_STDERR,
  SSH2_TERM_UNIT_CHARS,
  SSH2_TERM_UNIT_PIXELS,
  type Ssh2ChannelStream,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_fetch_stream,
  ssh2_shell,
  stream_get_contents,
  stream_get_meta_data,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { compare, loggedInAs, prepareComparison } from './compare.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to run commands and shells', (t) =>
    compare(t, {
      script: 'exec',
      differences: {
        killed: 'PHP says 0 of a command that a signal ended; null here',
        'a variable that the server does not take': 'PHP warns with its value, which may be a secret',
        'of a size in pixels': 'a terminal of 0 by 0 characters in PHP; of 80 by 24 here',
        'variables that are text': 'PHP warns and gives false; a TypeError here, as of all other arguments',
      },
      here: async (here, given) => {
        const session = await loggedInAs(given)
        type ExecArguments = Parameters<typeof ssh2_exec> extends [unknown, ...infer Rest] ? Rest : never
        type ShellArguments = Parameters<typeof ssh2_shell> extends [unknown, ...infer Rest] ? Rest : never
        const exec = async (...args: ExecArguments) => outcome(got(await ssh2_exec(session, ...args)))
        const status = async (command: string) => {
          const stream = got(await ssh2_exec(session, command))
          await stream_get_contents(stream)
          return stream_get_meta_data(stream).exit_status
        }
        const shell = async (...args: ShellArguments) => shellOutcome(got(await ssh2_shell(session, ...args)))

        await here.answer('a stream', () => ssh2_exec(session, 'true'))
        await here.answer('both outputs', () => exec('echo out; echo err >&2'))
        await here.answer('an exit status', () => status('exit 3'))
        await here.answer('no such command', () => status('no-such-command 2>/dev/null'))
        await here.answer('killed', () => status('kill -9 $$'))
        await here.answer('a variable', () => exec('echo $LC_FOO', null, { LC_FOO: 'bar' }))
        await here.answer('a variable that the server does not take', () => exec('echo "[$FOO]"', null, { FOO: 'bar' }))
        await here.answer('a variable by number', () => exec('echo hi', null, ['bar'] as never))
        await here.answer('a variable of PHP 4', () => exec('echo $LC_FOO', { LC_FOO: 'bar' }))
        await here.answer('variables that are text', () => ssh2_exec(session, 'true', null, 'x'))
        await here.answer('a terminal', () => exec('stty size; echo $TERM; echo err >&2', 'xterm'))
        await here.answer('of a size', () => exec('stty size', 'xterm', null, 100, 40))
        await here.answer('of a size in pixels', () =>
          exec('stty size', 'xterm', null, 640, 480, SSH2_TERM_UNIT_PIXELS),
        )
        await here.answer('a command that is a list', () => ssh2_exec(session, ['true'] as never))
        await here.answer('no session', () => ssh2_exec('session' as never, 'true'))

        const [one, two] = [got(await ssh2_exec(session, 'cat')), got(await ssh2_exec(session, 'cat'))]
        await fwrite(two, 'two\n')
        await fwrite(one, 'one\n')
        await here.answer('two at once', async () => [await fgets(one), await fgets(two)])

        const stranger = got(await ssh2_connect(given.host, given.port))
        await here.answer('before a login', () => ssh2_exec(stranger, 'true'))
        await here.answer('a shell before a login', () => ssh2_shell(stranger))
        await ssh2_disconnect(stranger)

        await here.answer('a shell', () => shell())
        await here.answer('a shell of a kind and size', () =>
          shell('xterm', { LC_FOO: 'bar' }, 100, 40, SSH2_TERM_UNIT_CHARS),
        )
        await here.answer('a kind that is a list', () => ssh2_shell(session, [] as never))
        await here.answer('disconnect', () => ssh2_disconnect(session))
      },
    }))
})

async function outcome(stream: Ssh2ChannelStream): Promise<object> {
  const stderr = got(ssh2_fetch_stream(stream, SSH2_STREAM_STDERR))
  const out = await stream_get_contents(stream)
  return { out, err: await stream_get_contents(stderr) }
}

async function shellOutcome(shell: Ssh2ChannelStream): Promise<readonly unknown[]> {
  const written = await fwrite(shell, 'echo "m$((1+1))k $TERM $(stty size) $LC_FOO."; exit 5\n')
  const [said] = /m2k .*\./.exec(got(await stream_get_contents(shell))) ?? []
  return [written, said, feof(shell), stream_get_meta_data(shell).exit_status]
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export async function whyNoSsh(): Promise<string | false> {
  try {
    await run('ssh', ['-V'])
    return false
  } catch {
    return 'there is no ssh on this machine'
  }
}

/** What `ssh -G` says by itself: keyword and value of each line. */
export async function sshSays(file: string, host: string): Promise<readonly (readonly [string, string])[]> {
  const { stdout } = await run('ssh', ['-G', '-F', file, '--', host])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const at = line.indexOf(' ')
      return [line.slice(0, at), line.slice(at + 1)] as const
    })
}

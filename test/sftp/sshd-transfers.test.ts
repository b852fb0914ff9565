import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { TransferProgress } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { session } from './sshd-session.js'

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`transfers with sshd ${version}`, { skip }, () => {
    test('that are given up on the way to their place are not left there', async (t) => {
      // A disk that is busy may hold up the removal of a part.
      const { sftp, folder } = await session(t, version, { channelClose: '1m' })
      const here = await mkdtemp(path.join(tmpdir(), 'holdfast-sftp-'))
      t.after(() => rm(here, { recursive: true, force: true }))
      const local = path.join(here, 'large')
      await writeFile(local, randomBytes(20_000_000))
      for (let attempt = 0; attempt < 5; attempt++) {
        const stop = new AbortController()
        const progress = ({ bytes }: TransferProgress): void => {
          if (bytes > 6_000_000) stop.abort()
        }
        const options = { atomic: true, signal: stop.signal, progress }
        await assert.rejects(sftp.put(local, path.join(folder, 'x'), options), { code: 'ERR_SSH_ABORTED' })
        assert.deepEqual(await readdir(folder), [])
      }
    })

    test('are fetched where they are files, and nothing is opened that may never open', async (t) => {
      const { sftp, folder } = await session(t, version)
      const fifo = path.join(folder, 'fifo')
      execFileSync('mkfifo', ['-m', '666', fifo])
      await symlink(fifo, path.join(folder, 'link'))
      for (const remote of [fifo, path.join(folder, 'link'), '/dev/null']) {
        const expected = { code: 'ERR_SSH_OPTION', message: /^remote '.*' is neither file nor directory$/ }
        await assert.rejects(sftp.get(remote, path.join(folder, 'x')), expected)
      }
      assert.deepEqual((await sftp.readdir(folder)).toSorted(), ['fifo', 'link'])
    })
  })
}

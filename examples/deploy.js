// Uploads a folder as a new release, then makes it the current one in a single step. Where an upload broke off, the same
// release is gone on with.
//
//   SSH_PASSWORD=… node examples/deploy.js user@host folder remote-folder [release]
import process from 'node:process'
import { connect } from 'holdfast'

const [target = 'localhost', folder = '.', remote = 'app', release = String(Date.now())] = process.argv.slice(2)

const ssh = await connect(target, { password: process.env['SSH_PASSWORD'] })
try {
  const sftp = await ssh.sftp()
  await sftp.mkdir(`${remote}/releases`, { recursive: true })
  const { files, bytes, resumed, skipped } = await sftp.put(folder, `${remote}/releases/${release}`, { resume: true })
  for (const { path, why } of skipped) console.log(`left out ${path}: ${why}`)
  console.log(`${files} files: ${bytes} bytes sent, ${resumed} were there`)

  // Whoever looks sees the old release or the new one: a rename replaces the link at once.
  await sftp.rm(`${remote}/next`, { force: true })
  await sftp.symlink(`releases/${release}`, `${remote}/next`)
  await sftp.rename(`${remote}/next`, `${remote}/current`)
  console.log(`current is ${await sftp.readlink(`${remote}/current`)}`)
} finally {
  await ssh.close()
}

import { existsSync, renameSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { preparation } from '../../servers/availability.js'
import { cacheDirectory, withCacheLock } from '../../servers/cache.js'
import { run } from '../../servers/run.js'

const version = '7.0.4'
const folder = path.join(cacheDirectory, `pm2-${version}`)

export const pm2 = path.join(folder, 'node_modules/.bin/pm2')

/** Whether PM2 is there, which npm is asked for once. */
export const havePm2 = preparation(() =>
  withCacheLock(async () => {
    if (existsSync(folder)) return
    const made = await mkdtemp(`${folder}-`)
    await run('npm', ['install', '--prefix', made, '--no-audit', '--no-fund', `pm2@${version}`])
    renameSync(made, folder)
  }),
)

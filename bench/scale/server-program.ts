/** One of the servers that many idle connections are spread over, in a process of its own. It ends with its parent. */
import process from 'node:process'
import { startServer } from 'holdfast/testing'
import { account } from './account.js'

const { username, password } = account
const { port } = await startServer({ users: { [username]: { password } } })
process.on('disconnect', () => process.exit())
process.send?.(port)

/**
 * Two servers for the programs of the page. On port 22 the command `backup` never ends, and others at once; on port 2222 a
 * connection freezes at any command. They say when they listen.
 */
import { once } from 'node:events'
import { startServer } from 'holdfast/testing'

const users = { deploy: { password: 'secret' } }
await startServer({
  users,
  port: 22,
  exec: ({ command, signal }) => (command === 'backup' ? once(signal, 'abort').then(() => null) : 0),
})
const frozen = await startServer({
  users,
  port: 2222,
  exec: ({ signal }) => {
    for (const connection of frozen.connections) connection.freeze()
    return once(signal, 'abort').then(() => null)
  },
})
console.log('listening')

/** One process of a cluster: listens at any free port, and says which. */
import process from 'node:process'
import { listen } from '#src/forward/local-listener.js'
import { listenContext } from './listen-context.js'

const { address } = await listen({ host: '127.0.0.1', port: 0 }, listenContext())
process.send?.(address.port)

/**
 * What the runtime of AWS Lambda for Node does: it loads the module of a function from /var/task, and calls its handler for each event.
 * Arguments: how often.
 */
import process from 'node:process'
import { pathToFileURL } from 'node:url'

type Handler = (event: object) => Promise<unknown>

const { handler } = (await import(pathToFileURL('/var/task/index.js').href)) as { handler: Handler }
for (let event = 0; event < Number(process.argv[2]); event++) console.log(JSON.stringify(await handler({ event })))

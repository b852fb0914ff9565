import type { AgentLike } from './agents.js'
import { called } from './called.js'
import { parseForeignKey } from './original.js'
import { isParsedKey, type ParsedKey, parseKey } from './parsed-key.js'

/** The keys that it holds, as far as they can be read. Whoever waits for an agent has a limit. */
export async function identitiesOf(agent: AgentLike): Promise<readonly ParsedKey[]> {
  const held = await called<readonly unknown[]>((answer, fail) => {
    agent.getIdentities((error, keys) => {
      if (error) fail(error)
      else if (Array.isArray(keys)) answer(keys)
      else fail(new Error('Agent implementation failed to provide keys'))
    })
  })
  return held.flatMap((key) => readable(key))
}

/** By the program's own ssh2 where there is one: what the agent is asked to sign with it may hand to that. */
function readable(held: unknown): readonly ParsedKey[] {
  const foreign = isParsedKey(held) ? held : parseForeignKey(held)
  const key = foreign === undefined || foreign instanceof Error ? parseKey(held) : foreign
  return key instanceof Error ? [] : [key]
}

/** What it makes with a key, in whichever form: see `signatureBlob`. */
export function signatureOf(agent: AgentLike, key: ParsedKey, data: Buffer, hash: string | undefined): Promise<Buffer> {
  return called((answer, fail) => {
    agent.sign(key, data, { hash }, (error, signature) => {
      if (error) fail(error)
      else if (Buffer.isBuffer(signature)) answer(signature)
      else fail(new Error('Agent implementation failed to sign'))
    })
  })
}

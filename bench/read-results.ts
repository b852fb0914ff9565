import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { clientNames } from './clients/client.js'
import type { Results } from './results.js'

const sample = v.record(v.string(), v.number())

const schema: v.GenericSchema<unknown, Results> = v.object({
  setting: v.object({
    date: v.string(),
    holdfast: v.string(),
    ssh2: v.string(),
    devTunnels: v.string(),
    openssh: v.string(),
    server: v.string(),
    machine: v.string(),
    load: v.number(),
    relay: v.object({ roundTripMs: v.number(), megabytesASecond: v.number() }),
  }),
  nodes: v.array(v.string()),
  rounds: v.number(),
  scale: v.number(),
  cells: v.array(
    v.object({
      workload: v.string(),
      client: v.picklist(clientNames),
      node: v.string(),
      isNative: v.boolean(),
      state: v.picklist(['measured', 'none', 'failed']),
      why: v.optional(v.string()),
      samples: v.array(v.nullable(sample)),
    }),
  ),
})

/** What an earlier run measured. @throws Error that names the field which is wrong */
export function readResults(file: string): Results {
  const { success, output, issues } = v.safeParse(schema, JSON.parse(readFileSync(file, 'utf8')))
  if (!success) throw new Error(`${file} has no results: ${v.summarize(issues)}`)
  return output
}

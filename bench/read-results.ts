import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { clientNames } from './clients/client.js'
import type { Results } from './results.js'

const sample = z.record(z.string(), z.number())

const schema: z.ZodType<Results> = z.object({
  setting: z.object({
    date: z.string(),
    holdfast: z.string(),
    ssh2: z.string(),
    devTunnels: z.string(),
    openssh: z.string(),
    server: z.string(),
    machine: z.string(),
    load: z.number(),
    relay: z.object({ roundTripMs: z.number(), megabytesASecond: z.number() }),
  }),
  nodes: z.array(z.string()),
  rounds: z.number(),
  scale: z.number(),
  cells: z.array(
    z.object({
      workload: z.string(),
      client: z.enum(clientNames),
      node: z.string(),
      isNative: z.boolean(),
      state: z.enum(['measured', 'none', 'failed']),
      why: z.string().optional(),
      samples: z.array(sample.nullable()),
    }),
  ),
})

/** What an earlier run measured. @throws Error that names the field which is wrong */
export function readResults(file: string): Results {
  const { data, error } = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (error !== undefined) throw new Error(`${file} has no results: ${z.prettifyError(error)}`)
  return data
}

import { readFileSync } from 'node:fs'
import type { ZodType } from 'zod'

/** Reads a file of test/vectors, whose `source` says where its values come from. */
export function readVectors<T>(name: string, schema: ZodType<T>): T {
  const url = new URL(`../../../test/vectors/${name}.json`, import.meta.url)
  return schema.parse(JSON.parse(readFileSync(url, 'utf8')))
}

export const hex = (text: string): Buffer => Buffer.from(text, 'hex')

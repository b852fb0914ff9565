import { readFileSync } from 'node:fs'
import * as v from 'valibot'

/** Reads a file of test/vectors, whose `source` says where its values come from. */
export function readVectors<T>(name: string, schema: v.GenericSchema<unknown, T>): T {
  const url = new URL(`../../../test/vectors/${name}.json`, import.meta.url)
  return v.parse(schema, JSON.parse(readFileSync(url, 'utf8')))
}

export const hex = (text: string): Buffer => Buffer.from(text, 'hex')

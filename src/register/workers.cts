import module from 'node:module'
import process from 'node:process'
import type threads from 'node:worker_threads'
import type { Worker, WorkerOptions } from 'node:worker_threads'

import { withRegister } from './node-options.cjs'

type WorkerClass = typeof Worker

/** Has workers load this file that would not: those that are made of a string, and those with an environment of their own. */
export function followWorkers(file: string): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read here, since most processes of a machine make no worker
  const workerThreads = require('node:worker_threads') as typeof threads
  workerThreads.Worker = new Proxy(workerThreads.Worker, {
    construct(Original: WorkerClass, args: readonly unknown[], newTarget: WorkerClass): Worker {
      const [filename, options, ...rest] = args
      const make = (given: unknown): Worker => construct(Original, [filename, given, ...rest], newTarget)
      return followed(isOptions(options) ? options : {}, file, make)
    },
  })
  module.syncBuiltinESMExports()
}

function followed(options: WorkerOptions, file: string, make: (options: WorkerOptions) => Worker): Worker {
  const { env, execArgv, eval: isCode } = options
  if (typeof env === 'object') {
    return make({ ...options, env: { ...env, NODE_OPTIONS: withRegister(env['NODE_OPTIONS'], file) } })
  }
  if (execArgv !== undefined) return make({ ...options, execArgv: [...execArgv, '--require', file] })
  if (isCode !== true) return make(options)
  return makeLikeThis(options, file, make)
}

/** With the flags of this process, as it were without flags of its own; those that no worker may be given are of the whole process. */
function makeLikeThis(options: WorkerOptions, file: string, make: (options: WorkerOptions) => Worker): Worker {
  const all = [...process.execArgv, '--require', file]
  try {
    return make({ ...options, execArgv: all })
  } catch (error) {
    const refused = refusedFlags(error)
    if (refused === undefined) throw error
    return make({ ...options, execArgv: all.filter((flag) => !refused.includes(flag)) })
  }
}

/** Node has no list of them, and says which they are in this text alone. */
function refusedFlags(error: unknown): string[] | undefined {
  if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ERR_WORKER_INVALID_EXEC_ARGV') return undefined
  return error.message.replace(/^.*?flags: /, '').split(', ')
}

function isOptions(value: unknown): value is WorkerOptions {
  return typeof value === 'object' && value !== null
}

function construct(Original: WorkerClass, args: readonly unknown[], newTarget: WorkerClass): Worker {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this class constructs
  return Reflect.construct(Original, args, newTarget) as Worker
}

/**
 * A thread that appends a line to a known_hosts file as ssh does, without a lock and by one write, into the old file at the very
 * moment at which a new one takes its place.
 */
import { openSync, readdirSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'

const { file, line } = workerData as { file: string; line: Buffer }
const fd = openSync(file, 'a')
/** Beside the file and the lock, what it is to be replaced by. */
const isReplacing = (): boolean => readdirSync(dirname(file)).length > 2

parentPort?.postMessage('ready')
while (!isReplacing());
while (isReplacing());
writeSync(fd, line)

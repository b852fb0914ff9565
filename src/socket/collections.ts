/**
 * Each packet that comes is a buffer of its own, since `node:crypto` decrypts into new memory and the program keeps it. V8
 * counts these bytes, and goes through all that a program keeps once too many have come since it last did: up to a third of
 * the processor time of a download. Here it is brought to look at new objects alone, by which nearly all of them are freed.
 */
import process from 'node:process'

const megabyte = 1024 * 1024
const wordBytes = 8

/** A process that has received less is not worth it. */
const busyBytes = 16 * megabyte

let received = 0

/** To be told of all that comes. The first releases of Node 22 have no `getBuiltinModule`, by which the size of V8's spaces is found. */
export const noteReceived =
  'transfer' in ArrayBuffer.prototype && 'getBuiltinModule' in process ? fillNewSpace : makeHeavy

const weightBytes = 4 * megabyte
let weight: readonly number[] | undefined

/**
 * V8 of Node 20 allows for some multiple of what the heap holds. A small program, with less than about 12 MB, is below the
 * 32 MB of buffers that it lets come before it looks at new objects alone. So such a process keeps numbers, which cost
 * nothing to go through. What newer ones get costs a little more than that here: 0.94 CPU s/GB against 0.91.
 */
function makeHeavy(bytes: number): void {
  if (weight !== undefined) return
  received += bytes
  if (received < busyBytes) return
  weight = numbers(weightBytes / wordBytes)
}

/** Doubled until there are as many: 4 ms of the event loop where one after the other took 19. */
function numbers(count: number): readonly number[] {
  let all = [0.5]
  while (all.length < count) all = all.concat(all)
  return all
}

/**
 * V8 of Node 24 goes through all once so much has come, and as much again as its space for new objects takes, whatever the
 * heap holds; which empties that space too. By then it is to have been full twice: once is too late on a busy machine. That
 * of Node 22 counts otherwise, and gains by it too.
 */
const allowedBytes = 8 * megabyte
const timesFull = 2
/** Between two pieces of garbage. */
const stepBytes = 64 * 1024

let sinceStep = 0
/** What is copied to be garbage. */
let filling: readonly number[] = []

/** The space for new objects has 1 to 64 MB, by how many have survived so far. */
function fillNewSpace(bytes: number): void {
  received += bytes
  sinceStep += bytes
  if (received >= busyBytes) {
    received = 0
    const space = newSpaceBytes()
    resizeFilling(Math.ceil(((timesFull * space) / (space + allowedBytes)) * (stepBytes / wordBytes)))
  }
  if (sinceStep < stepBytes || filling.length === 0) return
  sinceStep = 0
  filling.slice()
}

function resizeFilling(words: number): void {
  if (words !== filling.length) filling = Array.from({ length: words }, () => 0)
}

/** How many bytes of new objects there may be before V8 looks at them: half of the space is for those that survive. */
function newSpaceBytes(): number {
  const spaces = process.getBuiltinModule('node:v8').getHeapSpaceStatistics()
  return (spaces.find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0) / 2
}

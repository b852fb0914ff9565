import type { Duplex } from 'node:stream'
import { orFalse, orFalseNow } from './answer.js'
import { intArgument } from './arguments.js'
import { SEEK_CUR, SEEK_END, SEEK_SET } from './constants.js'
import { Ssh2FileStream } from './sftp-file.js'
import { callOf, readableArgument } from './stream-arguments.js'
import { wrongOption } from './wrong-option.js'

/**
 * Has a file be read and written from elsewhere on. One that was read to its end has to be opened again.
 * @param whence from where `offset` counts: SEEK_SET, the beginning; SEEK_CUR, where it is; SEEK_END
 * @returns 0, or -1 where that cannot be done
 * @throws TypeError
 */
export async function fseek(stream: Duplex, offset: number, whence = SEEK_SET): Promise<0 | -1> {
  const name = 'fseek'
  intArgument([name, 2, 'offset'], offset)
  intArgument([name, 3, 'whence'], whence)
  readableArgument([name, 1, 'stream'], stream)
  const moved = await orFalse({ ...callOf(name, stream), isQuiet: true }, async () => {
    const file = fileOf(stream)
    file.moveTo((await originOf(file, whence)) + offset)
    return true
  })
  return moved ? 0 : -1
}

/** Has a file be read and written from its beginning on. @throws TypeError */
export async function rewind(stream: Duplex): Promise<boolean> {
  return (await fseek(stream, 0)) === 0
}

/** From where on a file is read and written. @throws TypeError */
export function ftell(stream: Duplex): number | false {
  const name = 'ftell'
  readableArgument([name, 1, 'stream'], stream)
  return orFalseNow({ ...callOf(name, stream), isQuiet: true }, () => fileOf(stream).position)
}

async function originOf(file: Ssh2FileStream, whence: number): Promise<number> {
  if (whence === SEEK_SET) return 0
  if (whence === SEEK_CUR) return file.position
  if (whence === SEEK_END) return file.size()
  throw wrongOption(`whence ${whence} is none of SEEK_SET, SEEK_CUR and SEEK_END`)
}

function fileOf(stream: Duplex): Ssh2FileStream {
  if (stream instanceof Ssh2FileStream) return stream
  throw wrongOption('only a file has a position')
}

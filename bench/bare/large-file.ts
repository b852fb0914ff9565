/** A file of any size, with several requests under way, and few calls to the local system. */
import { close, fstat, open, read, writev } from 'node:fs'
import { release } from './release.js'
import { type Asker, messageType, requestBytes, type Sftp } from './sftp.js'
import { handleIn, openFlags } from './small-file.js'

/** Asked for, or come and not saved. */
const mostUnderWay = 8 * requestBytes
/** Read from the local file at once. */
const pieceBytes = 4 * requestBytes
const word = 2 ** 32

export function getLarge(sftp: Sftp, remote: string, local: string): Promise<void> {
  return new Promise((resolve, reject) => {
    open(local, 'w', (error, file) => {
      if (error !== null) reject(error)
      else sftp.ask(new Get(sftp, file, resolve), messageType.OPEN, remote, [openFlags.read, 0])
    })
  })
}

export function putLarge(sftp: Sftp, local: string, remote: string): Promise<void> {
  return new Promise((resolve, reject) => {
    open(local, 'r', (error, file) => {
      if (error !== null) reject(error)
      else
        fstat(file, (_, { size }) => {
          sftp.ask(new Put(sftp, { file, size }, resolve), messageType.OPEN, remote, [openFlags.write, 0])
        })
    })
  })
}

class Get implements Asker {
  readonly #sftp: Sftp
  readonly #file: number
  readonly #saved: () => void
  #handle: Buffer = Buffer.alloc(0)
  #size = 0
  #askedTo = 0
  #savedTo = 0
  #isSaving = false
  /** What came in order, and of that the last piece of each packet. */
  #pieces: Buffer[] = []
  #packets: Buffer[] = []

  constructor(sftp: Sftp, file: number, saved: () => void) {
    this.#sftp = sftp
    this.#file = file
    this.#saved = saved
  }

  data(piece: Buffer, isLast: boolean): void {
    this.#pieces.push(piece)
    if (isLast) this.#packets.push(piece)
  }

  done(type: number, body: Buffer): void {
    if (type === messageType.DATA) this.#save()
    else if (type === messageType.HANDLE) {
      this.#handle = handleIn(body)
      this.#sftp.ask(this, messageType.FSTAT, this.#handle, [])
    } else if (type === messageType.ATTRS) {
      this.#size = Number(body.readBigUInt64BE(4))
      this.#askOn()
    }
  }

  #askOn(): void {
    while (this.#askedTo < this.#size && this.#askedTo - this.#savedTo < mostUnderWay) {
      const length = Math.min(requestBytes, this.#size - this.#askedTo)
      const words = [Math.floor(this.#askedTo / word), this.#askedTo % word] as const
      this.#sftp.ask(this, messageType.READ, this.#handle, [...words, length])
      this.#askedTo += length
    }
  }

  #save(): void {
    if (this.#isSaving || this.#pieces.length === 0) return
    this.#isSaving = true
    const packets = this.#packets
    writev(this.#file, this.#pieces, this.#savedTo, (error, bytes) => {
      if (error !== null) throw error
      for (const packet of packets) release(packet)
      this.#isSaving = false
      this.#savedTo += bytes
      if (this.#savedTo === this.#size) this.#end()
      this.#askOn()
      this.#save()
    })
    this.#pieces = []
    this.#packets = []
  }

  #end(): void {
    this.#sftp.ask(this, messageType.CLOSE, this.#handle, [])
    close(this.#file, this.#saved)
  }
}

class Put implements Asker {
  readonly #sftp: Sftp
  readonly #file: number
  readonly #size: number
  readonly #sent: () => void
  /** One is read into while the other is sent. */
  #memory = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)] as const
  #piece: Buffer | undefined
  #handle: Buffer = Buffer.alloc(0)
  #readTo = 0
  #sentTo = 0
  #unanswered = 0

  constructor(sftp: Sftp, { file, size }: { readonly file: number; readonly size: number }, sent: () => void) {
    this.#sftp = sftp
    this.#file = file
    this.#size = size
    this.#sent = sent
  }

  done(type: number, body: Buffer): void {
    if (type === messageType.HANDLE) {
      this.#handle = handleIn(body)
      this.#sftp.drained = () => this.#send()
      this.#read()
    } else if (--this.#unanswered === 0 && this.#sentTo === this.#size) this.#end()
  }

  #read(): void {
    const [memory, other] = this.#memory
    this.#memory = [other, memory]
    read(this.#file, memory, 0, memory.length, this.#readTo, (error, bytes) => {
      if (error !== null) throw error
      this.#piece = memory.subarray(0, bytes)
      this.#readTo += bytes
      this.#sftp.wake()
    })
  }

  /** The channel has sent what it had. */
  #send(): void {
    const piece = this.#piece
    if (piece === undefined) return
    this.#piece = undefined
    for (let from = 0; from < piece.length; from += requestBytes) {
      const data = piece.subarray(from, from + requestBytes)
      const words = [Math.floor(this.#sentTo / word), this.#sentTo % word] as const
      this.#sftp.ask(this, messageType.WRITE, this.#handle, [...words, data.length], data)
      this.#sentTo += data.length
      this.#unanswered++
    }
    if (this.#readTo < this.#size) this.#read()
  }

  #end(): void {
    this.#sftp.drained = () => {}
    close(this.#file, () => {
      this.#sftp.ask({ done: this.#sent }, messageType.CLOSE, this.#handle, [])
    })
  }
}

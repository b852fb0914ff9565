import { HoldfastError } from 'holdfast'
import type { Decoder } from './decoders.js'

/**
 * What a decoder makes of bytes: a value, or a refusal by its code that says what was wrong.
 * @returns what else it did, or undefined
 */
export function whatIsWrong(decoder: Decoder, bytes: Buffer): string | undefined {
  try {
    decoder.decode(Buffer.from(bytes))
    return undefined
  } catch (error) {
    if (!(error instanceof HoldfastError)) return `threw ${error instanceof Error ? error.stack : String(error)}`
    if (error.code !== decoder.code) return `refused with ${error.code}: ${error.message}`
    return decoder.says.test(error.message) ? undefined : `does not say what was wrong: ${error.message}`
  }
}

/**
 * Text from a peer, made safe to show: control characters, escape sequences and direction overrides become visible
 * escapes, line ends become ` | `, and what is then longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 400): string {
  const whole = escaped(text.length > limit ? `${text.slice(0, limit)}…` : text)
  // An escape is up to ten characters for one of the peer's; half a pair of surrogates must not be left over.
  return whole.length > limit + 1 ? `${whole.slice(0, limit).replace(/\p{Cs}$/u, '')}…` : whole
}

function escaped(text: string): string {
  return text
    .trimEnd()
    .replace(/\r?\n/g, ' | ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => {
      const code = character.codePointAt(0) ?? 0
      return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
    })
}

/** The same for text that a person reads line by line, a prompt or a banner: lines stay, and so does a blank at the end. */
export function printableLines(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => printable(line, 1000))
  return lines.join('\n') + (text.endsWith(' ') ? ' ' : '')
}

/**
 * OpenSSH's PATTERNS (ssh_config(5)): `*` stands for any characters, `?` for one. Goes back at most to the last `*`, so
 * no pattern makes it slow.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  let at = 0
  let inPattern = 0
  let afterStar = -1
  let resumeAt = 0
  while (at < text.length) {
    const wanted = pattern[inPattern]
    if (wanted === '*') {
      afterStar = ++inPattern
      resumeAt = at
    } else if (wanted === '?' || wanted === text[at]) {
      at++
      inPattern++
    } else if (afterStar !== -1) {
      at = ++resumeAt
      inPattern = afterStar
    } else {
      return false
    }
  }
  return /^\**$/.test(pattern.slice(inPattern))
}

/** True if one of the patterns matches and none of those that begin with `!` does. */
export function matchesPatternList(text: string, patterns: readonly string[]): boolean {
  const refused = patterns.some((pattern) => pattern.startsWith('!') && matchesPattern(text, pattern.slice(1)))
  return !refused && patterns.some((pattern) => !pattern.startsWith('!') && matchesPattern(text, pattern))
}

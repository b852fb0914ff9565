import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

interface Block {
  readonly heading: string
  readonly language: string
  readonly text: string
}

export const page = readFileSync(new URL('../../../../docs/administrators.md', import.meta.url), 'utf8')
const blocks = blocksOf(page)

/** The one block of that language under that heading which has these words. */
export function block(heading: string, language: string, words = ''): string {
  const found = blocks.filter(
    (each) => each.heading.endsWith(heading) && each.language === language && each.text.includes(words),
  )
  assert.equal(found.length, 1, `${found.length} blocks of ${language} under ${heading}`)
  return found[0]?.text ?? ''
}

function blocksOf(text: string): readonly Block[] {
  const found: Block[] = []
  let heading = ''
  // A comment in a block looks like a heading.
  for (const [, language = '', body = '', title] of text.matchAll(/^```(\w*).*\n([^]*?)^```$|^#+ (.*)$/gm)) {
    if (title !== undefined) heading = title
    else found.push({ heading, language, text: body })
  }
  return found
}

import { existsSync, readFileSync } from 'node:fs'

/** A file in backticks, then the functions in it, in backticks right behind: `src/a.ts` `first`, `Class.second()`. */
const mention = /`((?:src|test|demo|scripts)\/[\w./-]+\.\w+)`((?:(?:,| and|:)?\s+`#?[\w$]+(?:\.#?[\w$]+)*(?:\(\))?`)*)/g

/** What a page says stands in the code, and does not: one line each. */
export function goneFrom(page: string, root: URL): string[] {
  return [...page.matchAll(mention)].flatMap(([, file = '', names = '']) => {
    const url = new URL(file, root)
    if (!existsSync(url)) return [`${file} is gone`]
    const code = readFileSync(url, 'utf8')
    return names
      .split('`')
      .filter((_, index) => index % 2 === 1)
      .flatMap((name) => name.replace('()', '').split('.'))
      .filter((name) => !declares(code, name))
      .map((name) => `${file}: ${name} is gone`)
  })
}

/** The files of each numbered list of a page, in order. */
export function numberedLists(page: string): string[][] {
  const lists: string[][] = []
  let previous = 0
  for (const [, number, file = ''] of page.matchAll(/^(\d+)\. .*?`((?:src|test)\/[\w./-]+)`/gm)) {
    if (Number(number) <= previous || lists.length === 0) lists.push([])
    lists.at(-1)?.push(file)
    previous = Number(number)
  }
  return lists
}

function declares(code: string, name: string): boolean {
  const escaped = name.replace(/[$#]/g, '\\$&')
  const declaration = String.raw`\b(?:function\*?|class|const|let|interface|type)\s+${escaped}(?![\w$])`
  const member = String.raw`^\s+(?:(?:private|protected|public|static|override|readonly|async|get|set|declare)\s+)*\*?${escaped}[?!]?\s*[(<:=]`
  return new RegExp(`${declaration}|${member}`, 'm').test(code)
}

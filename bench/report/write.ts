import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../test/lab/report/root.js'
import type { Results } from '../results.js'
import { filledPage, pictures } from './page.js'

/** performance.md with the words of docs/, and its pictures in place of the earlier ones. */
export function writePage(results: Results, directory: string): void {
  const page = readFileSync(new URL('docs/performance.md', root), 'utf8')
  rmSync(join(directory, 'performance'), { recursive: true, force: true })
  mkdirSync(join(directory, 'performance'), { recursive: true })
  writeFileSync(join(directory, 'performance.md'), filledPage(page, results))
  for (const [path, text] of pictures(results)) writeFileSync(join(directory, path), text)
}

// Writes the pages of docs/ that are made from the code, and the schema of a policy; `--check` only says whether they are current.
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { policySchema } from '../dist/client/policy/schema.js'
import { errorTable } from '../dist/error-table.js'

const pages = {
  'docs/errors.md': errorsPage(),
  'policy.schema.json': `${JSON.stringify(policySchema(), undefined, 2)}\n`,
}

for (const [file, text] of Object.entries(pages)) {
  const url = new URL(`../${file}`, import.meta.url)
  if (!process.argv.includes('--check')) writeFileSync(url, text)
  else if (readFileSync(url, 'utf8') !== text) {
    console.error(`${file} is not what the code says: run npm run docs`)
    process.exitCode = 1
  }
}

function errorsPage() {
  const rows = Object.entries(errorTable).map(([code, { meaning, hint }]) => `| \`${code}\` | ${meaning} | ${hint} |`)
  return `# Errors

Every error of this library is a \`HoldfastError\`. Match on \`code\`: it is stable, the text is not. Beside it stand
\`phase\`, \`host\`, \`hop\`, \`limit\`, \`limitMs\`, \`elapsedMs\`, \`evidence\`, \`disconnectReason\`, \`delivery\`, \`hint\` and \`cause\`, each where it applies.
An abort has \`name: 'AbortError'\`, as Node's own have.

| code | what it means | what to do |
|---|---|---|
${rows.join('\n')}

This page is made from \`src/error-table.ts\` by \`npm run docs\`.
`
}

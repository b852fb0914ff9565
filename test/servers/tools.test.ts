import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skipReason } from './availability.js'
import { run } from './run.js'
import { installTools } from './tools.js'

const skip = skipReason(await installTools(['nft', 'conntrack', 'ip', 'ps']))

test('tools that were installed run', { skip }, async () => {
  assert.match((await run('nft', ['--version'])).stdout, /^nftables/)
  assert.match((await run('conntrack', ['--version'])).stdout, /^conntrack/)
  assert.match((await run('ip', ['-V'])).stdout, /^ip utility/)
  assert.match((await run('ps', ['--version'])).stdout, /^ps from procps/)
})

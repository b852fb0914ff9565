import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientName, Finding, RowRecord } from '../record.js'
import type { Outcome } from '../watch.js'
import { failuresPage } from './page.js'
import type { LabRun } from './run.js'
import { shortcomings } from './shortcomings.js'

const fault = 'the peer vanishes'

function seen(outcome: Outcome & { readonly ms: number }, ...events: readonly (readonly [number, string])[]): Finding {
  return { state: 'measured', sighting: { fault, outcome, events: events.map(([ms, text]) => ({ ms, text })) } }
}

function records(number: number, findings: Readonly<Record<ClientName, Finding>>): readonly RowRecord[] {
  const row = {
    number,
    failure: `failure <${number}>`,
    expected: 'Asks by itself.',
    how: 'nft drops | both ways',
    bound: 'reported within 4 s',
    code: 'ERR_SSH_PEER_DEAD',
  }
  return (['openssh', 'holdfast', 'ssh2'] as const).map((client) => ({ row, client, finding: findings[client] }))
}

const dead = seen({ kind: 'reported', ms: 3807, text: 'ERR_SSH_PEER_DEAD' }, [1801, 'suspect'], [-900, 'before it'])
const never = seen({ kind: 'never', ms: 20_000, text: 'nothing within 20 s' })
const killed = seen({ kind: 'killed-wrongly', ms: 4173, text: 'Keepalive <timeout>' })
const third = { holdfast: dead, ssh2: never, openssh: killed }

const run: LabRun = {
  date: '2026-11-24',
  versions: {
    holdfast: '0.1.0 (commit abc)',
    ssh2: '1.17.0',
    openssh: '9.2p1',
    servers: ['9.2p1', '10.0p2'],
    node: 'v20.20.2',
    kernel: '6.18',
  },
  matrix: {
    ways: [{ name: 'nothing' }, { name: 'SSH probes', boundMs: 4000 }],
    columns: [
      {
        scene: 'the peer vanishes',
        how: 'nft',
        peer: 'gone',
        cells: [
          { verdict: 'nothing', withinMs: 30_000 },
          { verdict: 'given-up', ms: 3710, by: 'SSH probes', code: 'ERR_SSH_PEER_DEAD' },
        ],
      },
      {
        scene: 'a firewall',
        how: 'nft',
        peer: 'there',
        cells: [
          { verdict: 'given-up', ms: 12_111, by: 'kernel, ETIMEDOUT', code: 'ERR_SSH_CONNECTION_LOST' },
          { verdict: 'kept', ms: 9000 },
        ],
      },
      {
        scene: 'a NAT',
        how: 'conntrack',
        peer: 'forgotten while blocked',
        cells: [
          { verdict: 'nothing', withinMs: 30_000 },
          { verdict: 'given-up', ms: 13_028, by: 'SSH probes', code: 'ERR_SSH_PEER_DEAD' },
        ],
      },
    ],
  },
  records: [
    ...records(47, third),
    ...records(12, { ...third, ssh2: { state: 'not-applicable', why: 'it has none | of that' } }),
  ],
}

function pageOf(measured: LabRun): string {
  return failuresPage(measured).get('docs/failures.md') ?? assert.fail('there is no page')
}

test('the matrix says who noticed what, and what was lost or killed', () => {
  const page = pageOf(run)
  assert.ok(
    page.includes(
      '| **nothing** | **not within 30 s** | **killed wrongly**, 12.1 s (kernel, ETIMEDOUT) | **lost, not noticed within 30 s** |',
    ),
  )
  assert.ok(
    page.includes('| **SSH probes** | 3.7 s (SSH probes) | kept | **lost**, noticed after 13.0 s (SSH probes) |'),
  )
  assert.ok(page.includes('- *a NAT*: conntrack.'))
})

test('each row has a line at a glance and a section, in the order of their numbers', () => {
  const page = pageOf(run)
  assert.deepEqual(
    [...page.matchAll(/^### (.*)$/gm)].map(([, title]) => title),
    ['12. Failure &lt;12>', '47. Failure &lt;47>'],
  )
  assert.ok(
    page.includes(
      '| [47](#row-47) | failure &lt;47> | reported, 3.8 s | **not within 20 s** | **killed a living link**, 4.2 s |',
    ),
  )
  assert.ok(page.includes('| npm ssh2 | **not within 20 s** | nothing within 20 s |'))
  assert.ok(page.includes('| npm ssh2 | – | it has none \\| of that |'))
  assert.ok(page.includes('- Code: `ERR_SSH_PEER_DEAD`'))
})

test('says with what and when all was measured', () => {
  const page = pageOf(run)
  for (const said of ['2026-11-24', '0.1.0 (commit abc)', '1.17.0', '9.2p1 and 10.0p2', 'v20.20.2', 'Linux 6.18']) {
    assert.ok(page.includes(said), said)
  }
})

test('some rows have a time line, which the page shows and says in words', () => {
  const files = failuresPage(run)
  assert.deepEqual([...files.keys()], ['docs/failures.md', 'docs/failures/row-47.svg'])
  const words = 'Holdfast: suspect at 1.8 s, ERR_SSH_PEER_DEAD at 3.8 s. npm ssh2: nothing within 20 s.'
  const picture = files.get('docs/failures/row-47.svg') ?? ''
  assert.match(picture, new RegExp(`<desc id="text">the peer vanishes at 0 s. ${words}`))
  assert.ok(picture.includes('Keepalive &lt;timeout&gt;') && !picture.includes('<timeout>'))
  assert.ok(!picture.includes('before it'))
  assert.ok(pageOf(run).includes(words) && pageOf(run).includes('](failures/row-47.svg)'))
})

test('a cell that was not measured says so, and is a shortcoming', () => {
  assert.deepEqual(shortcomings(run), [])
  const broken: Finding = { state: 'broken', why: 'the assertion\nand more' }
  const partial = {
    ...run,
    records: records(26, { ...third, holdfast: broken }).filter(({ client }) => client !== 'ssh2'),
  }
  assert.deepEqual(shortcomings(partial), [
    'row 26, Holdfast: the assertion\nand more',
    'row 26, npm ssh2: it left no record',
  ])
  assert.ok(pageOf(partial).includes('| failure &lt;26> | **measuring failed** | not measured |'))
  assert.ok(pageOf(partial).includes('| Holdfast | **measuring failed** | the assertion |'))
  assert.ok(!failuresPage(partial).has('docs/failures/row-26.svg'))
})

test('a promise of the matrix that was not kept is a shortcoming', () => {
  const ways = run.matrix.ways.map(({ name }) => ({ name, boundMs: 4000 }))
  const found = shortcomings({ ...run, matrix: { ...run.matrix, ways } })
  assert.deepEqual(
    found.map((line) => line.split(': ', 1)[0]),
    ['matrix, the peer vanishes, nothing', 'matrix, a firewall, nothing', 'matrix, a NAT, nothing'],
  )
})

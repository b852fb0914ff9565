import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../servers/run.js'

const program = fileURLToPath(new URL('../../bench/main.js', import.meta.url))
const node = 'v20.1.2'

const setting = {
  date: '2026-11-24',
  holdfast: '0.1.0 (commit abc)',
  ssh2: '1.17.0',
  devTunnels: '3.12.42',
  openssh: '9.2p1',
  server: '9.2p1',
  machine: '2 × fast',
  load: 0.01,
  relay: { roundTripMs: 50.2, megabytesASecond: 900 },
}

type Figures = Readonly<Record<string, number>>

function cell(workload: string, client: string, samples: readonly (Figures | null)[], more: object = {}): object {
  return { workload, client, node, isNative: false, state: 'measured', samples, ...more }
}

function costs(memory: number, cpu: number): readonly Figures[] {
  return [{ memory, cpu, fullest: 2, verdict: 50 }]
}

interface Page {
  readonly text: string
  readonly said: string
  readonly pictures: ReadonlyMap<string, string>
}

/** The page that is written from such results. */
async function pageFrom(cells: readonly object[], { mayFail = false } = {}): Promise<Page> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-report-'))
  try {
    const file = join(directory, 'results.json')
    await writeFile(file, JSON.stringify({ setting, nodes: [node], rounds: 3, scale: 1, cells }))
    const { stdout } = await run(process.execPath, [program, '--from', file, '--out', directory]).catch(
      (error: unknown) => {
        if (!mayFail) throw error
        return { stdout: '' }
      },
    )
    const names = await readdir(join(directory, 'performance'))
    const pictures = await Promise.all(
      names.map(async (name) => [name, await readFile(join(directory, 'performance', name), 'utf8')] as const),
    )
    return {
      text: await readFile(join(directory, 'performance.md'), 'utf8'),
      said: stdout,
      pictures: new Map(pictures),
    }
  } finally {
    await rm(directory, { recursive: true })
  }
}

test('what was to be reached is judged by the median of the ratios of each round', async () => {
  const { text, said } = await pageFrom([
    cell('connect', 'holdfast', [{ ms: 10 }, { ms: 40 }, { ms: 11 }]),
    cell('connect', 'openssh', [{ ms: 100 }, { ms: 100 }, { ms: 55 }]),
    cell('connect', 'dev-tunnels', [{ ms: 9 }, { ms: 9 }, { ms: 100 }]),
    cell('sftp-get', 'holdfast', [{ cpu: 1.2, speed: 95 }]),
    cell('sftp-get', 'openssh', [{ cpu: 1, speed: 100 }]),
  ])
  for (const place of [text, said]) {
    assert.match(place, /^\| 1\. Connect: at most 0\.3 of OpenSSH \| kept: 0\.20 of OpenSSH \|$/m)
    assert.match(place, /Connect: at most 1 of the fastest \| \*\*not kept: 1\.11 of dev-tunnels-ssh\*\* \|/)
    assert.match(place, /SFTP get, speed: at least 0\.95 of the best \| kept: 0\.95 of OpenSSH \|/)
    assert.match(place, /SFTP get, CPU: at most 1\.1 s\/GB \| \*\*not kept: 1\.20 s\/GB\*\* \|/)
  }
  assert.match(text, /Upload, CPU: at most 0\.85 of ssh2 without its add-on \| – \|/)
  assert.doesNotMatch(said, /Upload/)
})

test('a bare loop is no client to be judged by, but says beside what is not kept what is left to gain', async () => {
  const { text, said, pictures } = await pageFrom([
    cell('exec', 'holdfast', [{ ms: 3 }]),
    cell('exec', 'bare', [{ ms: 1.8 }]),
    cell('exec', 'ssh2', [{ ms: 2 }]),
    cell('connect', 'holdfast', [{ ms: 10 }]),
    cell('connect', 'bare', [{ ms: 5 }]),
    cell('connect', 'openssh', [{ ms: 100 }]),
    cell('sftp-get', 'holdfast', [{ cpu: 1.2, speed: 100 }]),
    cell('sftp-get', 'bare', [{ cpu: 0.9, speed: 200 }]),
    cell('upload-ctr', 'holdfast', [{ cpu: 1, speed: 100 }]),
  ])
  for (const place of [text, said]) {
    assert.match(
      place,
      /warm connection: at most 1 of the fastest \| \*\*not kept: 1\.50 of ssh2\*\* \(a bare loop: 0\.90\) \|/,
    )
    assert.match(place, /Connect: at most 1 of the fastest \| kept: 0\.10 of OpenSSH \|/)
    assert.match(
      place,
      /SFTP get, CPU: at most 1\.1 s\/GB \| \*\*not kept: 1\.20 s\/GB\*\* \(a bare loop: 0\.90 s\/GB\) \|/,
    )
  }
  assert.match(text, /exec on a warm connection, ms \(less is better\) \| 1\.67 \| \*\*1\.50\*\* \|/)
  assert.match(text, /exec on a warm connection, ms \| 3\.00 \| 1\.80 \| 2\.00 \|/)
  // No column where it was not measured.
  assert.match(text, /upload, aes256-ctr: CPU, s\/GB \| 1\.00( \| –){5} \|$/m)
  assert.doesNotMatch(pictures.get('ratios-node20.svg') ?? '', /a bare loop/)
})

test('the tables show the share, the figures with their spread, and who has no such thing', async () => {
  const { text } = await pageFrom([
    cell('upload', 'holdfast', [
      { cpu: 0.5, speed: 900 },
      { cpu: 0.6, speed: 1000 },
      { cpu: 0.7, speed: 1100 },
    ]),
    cell('upload', 'openssh', [
      { cpu: 1, speed: 1200 },
      { cpu: 1, speed: 1200 },
      { cpu: 1, speed: 1200 },
    ]),
    cell('upload', 'ssh2', [], { state: 'none' }),
  ])
  assert.match(text, /upload: CPU, s\/GB \(less is better\) \| none \| .* \| 0\.60 \|$/m)
  assert.match(text, /upload: speed, MB\/s \(more is better\) \| .* \| \*\*0\.83\*\* \|$/m)
  assert.match(text, /upload: CPU, s\/GB \| 0\.60 ±0\.05 \| none \| .* \| 1\.00 ±0\.00 \|$/m)
  assert.match(text, /load before the run: 0\.01 .*/)
})

test('one value has no spread, and who was not asked is not said to have no such thing', async () => {
  const { text } = await pageFrom([
    cell('upload', 'holdfast', [{ cpu: 0.5, speed: 900 }]),
    cell('upload', 'openssh', [{ cpu: 1, speed: 1200 }]),
    cell('upload', 'ssh2', [], { state: 'none' }),
  ])
  assert.match(text, /upload: CPU, s\/GB \(less is better\) \| none \| – \| – \| – \| 0\.50 \|$/m)
  assert.match(text, /upload: CPU, s\/GB \| 0\.50 \| none \| – \| – \| – \| 1\.00 \|$/m)
})

test('the pictures say the same in words', async () => {
  const { text, pictures } = await pageFrom([
    cell('download', 'holdfast', [{ cpu: 0.5, speed: 900 }]),
    cell('download', 'openssh', [{ cpu: 1, speed: 450 }]),
    cell('far-download', 'holdfast', [{ cpu: 0.5, speed: 90 }]),
  ])
  for (const [name, picture] of pictures) {
    assert.ok(text.includes(`](performance/${name})`), name)
    assert.match(picture, /^<svg .*<desc id="text">.+<\/desc>.*<\/svg>\n$/s)
    assert.doesNotMatch(picture, /NaN|Infinity|undefined/)
  }
  assert.match(pictures.get('ratios-node20.svg') ?? '', /download: CPU: OpenSSH 2\.00\. download: speed: OpenSSH 2\.00/)
  assert.match(pictures.get('cpu-node20.svg') ?? '', /download: Holdfast 0\.50, OpenSSH 1\.00/)
})

test('what failed is told of, and fails the run', async () => {
  const failed = cell('exec', 'ssh2', [], { state: 'failed', why: 'it never came back' })
  await assert.rejects(pageFrom([failed]), /exec, ssh2, v20\.1\.2: it never came back/)
})

test('a client that fails in a later round keeps what it measured, marked, and rounds stay side by side', async () => {
  const failing = cell('exec', 'openssh', [{ ms: 2 }, null], { state: 'failed', why: 'it never came back' })
  await assert.rejects(pageFrom([failing]), /exec, openssh, v20\.1\.2: it never came back/)
  const { text } = await pageFrom(
    [
      cell('upload', 'holdfast', [{ cpu: 1, speed: 900 }, { speed: 900 }, { cpu: 4, speed: 900 }]),
      cell('upload', 'openssh', [
        { cpu: 2, speed: 900 },
        { cpu: 100, speed: 900 },
        { cpu: 8, speed: 900 },
      ]),
      { ...cell('exec', 'holdfast', [{ ms: 1 }, { ms: 1 }]) },
      failing,
    ],
    { mayFail: true },
  )
  assert.match(text, /upload: CPU, s\/GB \(less is better\) .* 0\.50 \|$/m)
  assert.match(text, /exec on a warm connection, ms \| .* 2\.00, \*\*then failed\*\* \|$/m)
})

test('what one of many connections costs is drawn, and judged by the most and the fewest', async () => {
  const { text, pictures } = await pageFrom([
    cell('scale-100', 'holdfast', costs(30, 0.2)),
    cell('scale-1000', 'holdfast', costs(31, 2)),
    cell('scale-10000', 'holdfast', costs(33, 21)),
  ])
  assert.match(text, /each takes at most 1\.25 times as much \| kept: memory 1\.10, CPU 1\.05 times \|/)
  assert.match(
    pictures.get('growth-node20.svg') ?? '',
    /memory of one: 30\.0 KB of 100, 31\.0 KB of 1000, 33\.0 KB of 10000/,
  )
  assert.ok(text.includes('](performance/growth-node20.svg)'))
})

test('a file that has no results is refused by the field that is wrong', async () => {
  await assert.rejects(pageFrom([{ ...cell('exec', 'holdfast', []), state: 'perhaps' }]), /has no results: .*state/s)
})

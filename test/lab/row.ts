/** One failure of the table of failures, as a test of Holdfast and as a measurement of other clients. */
import process from 'node:process'
import { before, describe, type TestContext, test } from 'node:test'
import type { Availability } from '../servers/availability.js'
import { opensshClient } from './peers/openssh.js'
import type { PeerClient, Settled } from './peers/peer.js'
import { ssh2Client } from './peers/ssh2.js'
import { type ClientName, type Finding, isReporting, type RowText, record } from './record.js'
import { RunWatch, type Watch } from './watch.js'

export type { PeerClient } from './peers/peer.js'
export type { Watch } from './watch.js'

export interface Row extends Omit<RowText, 'scale'> {
  /** What the row needs on this machine; asked before any test's clock runs. */
  readonly needs: () => Promise<Availability>
  /** Where the durations depend on `lab.full`: how long each is, for docs/failures.md. */
  readonly scale?: { readonly short: string; readonly full: string }
  /** Holdfast, through the public API, with assertions: code, phase, lower and upper bound, nothing left. */
  readonly holdfast: (t: TestContext, watch: Watch) => Promise<void>
  /** The same scene for another client. What it does is measured, nothing is asserted. A text says why it makes no sense. */
  readonly peers: { readonly ssh2: PeerRun | string; readonly openssh: PeerRun | string }
}

export type PeerRun = (t: TestContext, client: PeerClient, watch: Watch) => Promise<void>

/** How much of the lab this run is: HOLDFAST_LAB=full takes each row's full durations, and the peers. */
export const lab = { full: process.env['HOLDFAST_LAB'] === 'full' } as const

const timeout = lab.full ? 300_000 : 100_000

/** Declares the tests of one row; the only thing that a row file does. */
export function row(definition: Row): void {
  const { number, failure, needs, holdfast, peers } = definition
  describe(`row ${number}: ${failure}`, { concurrency: false }, () => {
    let availability: Availability = { available: false, reason: 'not asked yet' }
    before(async () => {
      availability = await needs()
    })

    const declare = (client: ClientName, name: string, run: (t: TestContext, watch: Watch) => Promise<void>): void => {
      test(name, { timeout }, async (t) => {
        if (availability.available) return measure(definition, client, (watch) => run(t, watch))
        note(definition, client, { state: 'skipped', why: availability.reason })
        t.skip(availability.reason)
      })
    }

    declare('holdfast', 'Holdfast', holdfast)
    if (!lab.full && !isReporting) return
    // After Holdfast, which may block this very process.
    describe('others', { concurrency: true }, () => {
      const { ssh2, openssh } = peers
      if (typeof ssh2 === 'string') note(definition, 'ssh2', { state: 'not-applicable', why: ssh2 })
      else declare('ssh2', 'npm ssh2', (t, watch) => ssh2(t, ssh2Client(t), watch))
      if (typeof openssh === 'string') note(definition, 'openssh', { state: 'not-applicable', why: openssh })
      else declare('openssh', 'OpenSSH', (t, watch) => openssh(t, opensshClient(t), watch))
    })
  })
}

/** Notes as the outcome what a client settled with: its own words, or that there was none within the time. */
export function noteSettled(watch: Watch, settled: Settled, withinMs: number): void {
  if (settled === 'never') {
    watch.outcome({ kind: 'never', ms: withinMs, text: `nothing within ${withinMs / 1000} s` })
  } else {
    watch.outcome({ kind: 'reported', ms: watch.since(settled.at), text: settled.text })
  }
}

async function measure(definition: Row, client: ClientName, run: (watch: Watch) => Promise<void>): Promise<void> {
  const watch = new RunWatch()
  try {
    await run(watch)
    note(definition, client, { state: 'measured', sighting: watch.sighting() })
  } catch (error) {
    note(definition, client, { state: 'broken', why: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

function note(definition: Row, client: ClientName, finding: Finding): void {
  record({ row: textOf(definition), client, finding })
}

function textOf({ number, failure, expected, how, bound, code, scripted, scale }: Row): RowText {
  return {
    ...{ number, failure, expected, how, bound, code },
    ...(scripted && { scripted }),
    ...(scale && { scale: lab.full ? scale.full : scale.short }),
  }
}

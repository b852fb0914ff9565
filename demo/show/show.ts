import { holdfastLane } from './holdfast-lane.js'
import type { Lane } from './lane.js'
import { Performance } from './performance.js'
import type { Cell, Scene } from './scene.js'
import { close } from './scenes/close.js'
import { idle } from './scenes/idle.js'
import { limit } from './scenes/limit.js'
import { vanish } from './scenes/vanish.js'
import { keepaliveSsh2Lane, plainSsh2Lane } from './ssh2-lane.js'
import type { View } from './view.js'
import { within } from './within.js'

export const lanes: readonly Lane[] = [plainSsh2Lane, keepaliveSsh2Lane, holdfastLane]
const scenes: readonly Scene[] = [idle, vanish, limit, close]

/** For how long the others may still report in front of the public once Holdfast is done. */
const curtainMs = 2_000

/** What was found out in one scene: for each lane, a cell for each row. */
export interface SceneResult {
  readonly scene: Scene
  readonly cells: readonly (readonly Cell[])[]
}

/**
 * Plays all scenes, one after another. A lane that keeps silent is waited for behind the scenes that follow, so that all
 * of it does not take four times as long as the silence that is granted.
 */
export async function play(view: View, signal: AbortSignal): Promise<readonly SceneResult[]> {
  const performances: Performance[] = []
  const played: { readonly scene: Scene; readonly cells: Promise<readonly (readonly Cell[])[]> }[] = []
  try {
    for (const scene of scenes) {
      const number = performances.length + 1
      const noted: View['noted'] = (...about) => view.noted(...about)
      const performance = new Performance({ scene, number, lanes, signal, noted })
      performances.push(performance)
      const parts = await performance.prepare()
      view.begin(performance)
      const cells = performance.begin(parts)
      const all = Promise.all(cells)
      played.push({ scene, cells: all })
      await (scene === scenes.at(-1) ? all : curtain(all, cells))
      view.end()
    }
    return await Promise.all(played.map(async ({ scene, cells }) => ({ scene, cells: await cells })))
  } finally {
    view.stop()
    await Promise.all(performances.map((performance) => performance.close()))
  }

  async function curtain(all: Promise<unknown>, cells: readonly Promise<unknown>[]): Promise<void> {
    await Promise.race([all, cells.at(-1)])
    await within(all, curtainMs, signal)
  }
}

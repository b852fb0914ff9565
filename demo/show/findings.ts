import type { Cell, Row } from './scene.js'
import type { SceneResult } from './show.js'

/** One thing that a scene found out, of every lane. */
export interface Finding {
  /** The scene's number, where this is its first. */
  readonly number: string
  readonly row: Row
  readonly cells: readonly (Cell | undefined)[]
}

export function findingsOf(results: readonly SceneResult[]): Finding[] {
  return results.flatMap(({ scene, cells }, sceneIndex) =>
    scene.rows.map((row, index) => ({
      number: index === 0 ? `${sceneIndex + 1}` : ' ',
      row,
      cells: cells.map((ofLane) => ofLane[index]),
    })),
  )
}

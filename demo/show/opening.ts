import { type Line, span, wrap } from '../terminal/text.js'
import type { Lane } from './lane.js'
import { forgetMs, notReported } from './scale.js'

const nameWidth = 18

/** What is about to be seen, before it is. */
export function opening(lanes: readonly Lane[], width: number): Line[] {
  const text =
    `Three clients in four scenes, each client with an SSH server of its own behind a network that forgets connections ` +
    `which were idle for ${forgetMs / 1000} s, as NATs and firewalls do after minutes. Times are scaled to that: by ` +
    `default Holdfast asks after 15 s of silence, and gives up after 60 s. Every number is measured in this run. ` +
    `The network is a relay on this machine: it acknowledges for the peer that is gone, where a real one is silent. ` +
    `A lane that reports nothing is given time: '${notReported}'.`
  return [
    [span('Holdfast', 'good'), span(': SSH connections that never hang', 'bold')],
    [],
    ...wrap(text, width).map((line) => [span(line)]),
    [],
    ...lanes.flatMap((lane) => laneLines(lane, width)),
    [],
  ]
}

function laneLines({ name, options }: Lane, width: number): Line[] {
  return wrap(options, width - nameWidth - 2).map((part, index) => [
    span(`  ${(index === 0 ? name : '').padEnd(nameWidth)}`, 'bold'),
    span(part),
  ])
}

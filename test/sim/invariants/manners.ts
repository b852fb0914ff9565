import type { Invariant, Run } from '../run.js'

/** What a server sees of us is in order: see `Manners`. */
export function clientIsMannered(): Invariant {
  return { name: 'messages come in an order that servers allow', check: ({ server }: Run) => server.manners.complaint }
}

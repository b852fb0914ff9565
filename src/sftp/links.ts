import { isUtf8 } from 'node:buffer'

/**
 * Whether a link, wherever it stands in a tree, leads to something in the tree. Its directory is one that we made, or found
 * to be no link, so `..` at the beginning is what it says. Behind a name it may not be: that may be another link.
 * @param depth how many directories of the tree it stands in, the top one not counted
 */
export function staysInside(target: string, depth: number): boolean {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const down = parts.findIndex((part) => part !== '..')
  const ups = down === -1 ? parts.length : down
  return target !== '' && !target.startsWith('/') && ups <= depth && !parts.slice(ups).includes('..')
}

/** Why a link of a tree is left out. @param target what it says @param depth see `staysInside` */
export function linkObstacle(target: Buffer, depth: number): string | undefined {
  if (!isUtf8(target)) return 'it is a link to what is not UTF-8'
  return staysInside(target.toString(), depth) ? undefined : 'it is a link that leads out of the tree'
}

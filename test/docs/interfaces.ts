/** A member of an interface of a source file. */
export interface Member {
  readonly name: string
  /** Its docstring; empty where there is none. */
  readonly doc: string
}

/** The members that an interface declares itself, without those that it inherits. */
export function membersOf(source: string, name: string): Member[] {
  const body = new RegExp(String.raw`^export interface ${name}\b[^{]*\{\n(.*?)^\}`, 'ms').exec(source)?.[1]
  if (body === undefined) throw new Error(`there is no interface ${name}`)
  const declaration = /(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?^ {2}readonly (\w+)\??:/gms
  return [...body.matchAll(declaration)].map(([, doc = '', member = '']) => ({ name: member, doc: doc.trim() }))
}

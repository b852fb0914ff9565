/** A value of a JSON text, and the line that it begins in; of a member of an object, that of its name. */
export interface JsonNode {
  readonly line: number
  readonly value: JsonValue
}

export type JsonObject = ReadonlyMap<string, JsonNode>
export type JsonValue = null | boolean | number | string | readonly JsonNode[] | JsonObject

/** Why a text is no JSON, and where. No part of the text is in it: it could be a secret. */
export class JsonError extends Error {
  readonly line: number

  constructor(problem: string, line: number) {
    super(problem)
    this.line = line
  }
}

const maxDepth = 32

/**
 * Reads JSON (RFC 8259). Unlike `JSON.parse` it knows the lines, refuses a name that an object has twice, of which the one
 * would undo the other without a word, and makes no object that a `__proto__` could get into.
 * @throws JsonError
 */
export function parseJson(text: string): JsonNode {
  return new JsonReader(text).read()
}

/** The value without its lines. */
export function plainValue({ value }: JsonNode): unknown {
  if (isArray(value)) return value.map(plainValue)
  if (!isObject(value)) return value
  return Object.fromEntries([...value].map(([name, node]) => [name, plainValue(node)]))
}

/** The same tree for a value that comes from no text. */
export function nodeOf(value: unknown): JsonNode {
  if (Array.isArray(value)) return { line: 0, value: value.map(nodeOf) }
  if (typeof value === 'object' && value !== null) {
    const given = Object.entries(value).filter(([, member]) => member !== undefined)
    return { line: 0, value: new Map(given.map(([name, member]) => [name, nodeOf(member)])) }
  }
  return { line: 0, value: typeof value === 'boolean' || typeof value === 'number' ? value : asText(value) }
}

export function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map
}

export function isArray(value: JsonValue): value is readonly JsonNode[] {
  return Array.isArray(value)
}

function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

class JsonReader {
  readonly #text: string
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  read(): JsonNode {
    this.#skipSpace()
    if (this.#at === this.#text.length) throw this.#wrong('it is empty; a policy that says nothing is {}')
    const root = this.#value(0)
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#wrong('something follows behind the end')
    return root
  }

  #value(depth: number): JsonNode {
    if (depth > maxDepth) throw this.#wrong(`it is nested more than ${maxDepth} deep`)
    this.#skipSpace()
    return { line: this.#line, value: this.#bare(depth) }
  }

  #bare(depth: number): JsonValue {
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    return first === '"' ? this.#string() : this.#word()
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, JsonNode>()
    this.#list('}', () => {
      const line = this.#line
      if (this.#text[this.#at] !== '"') throw this.#wrong('a name in double quotes is wanted here')
      const name = this.#string()
      if (members.has(name)) throw new JsonError('this name stands twice in one object', line)
      this.#skipSpace()
      this.#take(':', 'a colon is wanted behind a name')
      members.set(name, { line, value: this.#value(depth + 1).value })
    })
    return members
  }

  #array(depth: number): readonly JsonNode[] {
    const items: JsonNode[] = []
    this.#list(']', () => items.push(this.#value(depth + 1)))
    return items
  }

  /** What stands between brackets, with commas between. */
  #list(end: '}' | ']', item: () => void): void {
    this.#at++
    this.#skipSpace()
    if (this.#skip(end)) return
    for (;;) {
      item()
      this.#skipSpace()
      if (this.#skip(end)) return
      this.#take(',', `a comma or ${end} is wanted here`)
      this.#skipSpace()
      if (this.#text[this.#at] === end) throw this.#wrong(`the comma before ${end} is too much`)
    }
  }

  #string(): string {
    const start = this.#at
    for (let at = start + 1; at < this.#text.length; at++) {
      const character = this.#text[at]
      if (character === '\\') at++
      else if (character === '\n') break
      else if (character === '"') {
        this.#at = at + 1
        return this.#unescaped(this.#text.slice(start, at + 1))
      }
    }
    throw this.#wrong('a string that begins here is not closed in its line')
  }

  #unescaped(quoted: string): string {
    try {
      return String(JSON.parse(quoted))
    } catch {
      throw this.#wrong('a string has a wrong escape or a control character in it')
    }
  }

  #word(): boolean | number | null {
    const pattern = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y
    pattern.lastIndex = this.#at
    const word = pattern.exec(this.#text)?.[0]
    if (word === undefined) throw this.#wrong(this.#strange())
    this.#at += word.length
    if (word === 'null') return null
    return word === 'true' || word === 'false' ? word === 'true' : Number(word)
  }

  #strange(): string {
    if (this.#at === this.#text.length) return 'it ends too early'
    if (/^\/[/*]/.test(this.#text.slice(this.#at, this.#at + 2))) return 'JSON has no comments'
    return 'a value is wanted here: an object, a list, a text in double quotes, a number, true or false'
  }

  #take(wanted: string, problem: string): void {
    if (!this.#skip(wanted)) throw this.#wrong(problem)
  }

  #skip(wanted: string): boolean {
    if (this.#text[this.#at] !== wanted) return false
    this.#at++
    return true
  }

  #skipSpace(): void {
    for (; ; this.#at++) {
      const character = this.#text[this.#at]
      if (character === '\n') this.#line++
      else if (character !== ' ' && character !== '\t' && character !== '\r') return
    }
  }

  #wrong(problem: string): JsonError {
    return new JsonError(problem, this.#line)
  }
}

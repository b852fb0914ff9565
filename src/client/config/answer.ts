/** What `ssh -G` says of a host, told apart from what it would say with no configuration at all. */
export class SshAnswer {
  readonly #values: Keywords
  readonly #defaults: Keywords

  /** @param defaults what `ssh -G -F none` prints for the same host */
  constructor(output: string, defaults: string) {
    this.#values = parse(output)
    this.#defaults = parse(defaults)
  }

  /** The keywords whose value is not the default one, in the order of ssh. */
  get keywords(): readonly string[] {
    return [...this.#values.keys()].filter((keyword) => this.isSet(keyword))
  }

  /** Nobody can tell a default from the same value written down, and nobody needs to. */
  isSet(keyword: string): boolean {
    return this.#values.has(keyword) && this.all(keyword).join('\n') !== this.#defaults.get(keyword)?.join('\n')
  }

  /** The value in force, default or not. */
  value(keyword: string): string | undefined {
    return this.#values.get(keyword)?.[0]
  }

  /** Each line of a keyword that may stand more than once. */
  all(keyword: string): readonly string[] {
    return this.#values.get(keyword) ?? []
  }

  /** The value if somebody set it. */
  set(keyword: string): string | undefined {
    return this.isSet(keyword) ? this.value(keyword) : undefined
  }

  default(keyword: string): string | undefined {
    return this.#defaults.get(keyword)?.[0]
  }
}

type Keywords = ReadonlyMap<string, readonly string[]>

function parse(output: string): Keywords {
  const keywords = new Map<string, string[]>()
  for (const line of output.split(/\r?\n/)) {
    const [, keyword, value = ''] = /^(\S+)(?: (.*))?$/.exec(line) ?? []
    if (keyword === undefined) continue
    const name = keyword.toLowerCase()
    keywords.set(name, [...(keywords.get(name) ?? []), value])
  }
  return keywords
}

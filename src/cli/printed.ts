/** What a command says. */
export interface Printed {
  /** For stdout, and the programs that read it. */
  readonly text: string
  /** For stderr, and who sits before it. */
  readonly notes?: string
}

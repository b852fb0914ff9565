/** `forgotten when idle`: there, and a connection can be kept by whoever does not let it idle. */
export type PeerState = 'gone' | 'there' | 'forgotten when idle'

/** How one way fared in one scene. */
export type Verdict =
  /** The command came to its good end. */
  | { readonly verdict: 'kept'; readonly ms: number }
  | { readonly verdict: 'given-up'; readonly ms: number; readonly by: string; readonly code: string }
  | { readonly verdict: 'nothing'; readonly withinMs: number }

export interface MatrixColumn {
  readonly scene: string
  readonly how: string
  readonly peer: PeerState
  /** In the order of `ways`. */
  readonly cells: readonly Verdict[]
}

/** The opening of docs/failures.md. */
export interface Matrix {
  readonly ways: readonly string[]
  readonly columns: readonly MatrixColumn[]
}

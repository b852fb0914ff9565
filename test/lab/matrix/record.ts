/**
 * `forgotten when idle`: there, and a connection can be kept by whoever does not let it idle; `forgotten while blocked`: by
 * the kernel alone, since the program cannot.
 */
export type PeerState = 'gone' | 'there' | 'forgotten when idle' | 'forgotten while blocked'

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

export interface MatrixWay {
  readonly name: string
  /** Within how long a peer that is gone must be noticed, and one that is there must not be given up; undefined: no promise. */
  readonly boundMs?: number
}

/** The opening of docs/failures.md. */
export interface Matrix {
  readonly ways: readonly MatrixWay[]
  readonly columns: readonly MatrixColumn[]
}

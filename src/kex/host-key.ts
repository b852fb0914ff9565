/** What the key exchange needs of host keys; the layers below know what a key is and whom to trust. */

/** A host key that the peer showed, with its proof that it owns it. */
export interface HostKeyOffer {
  /** As negotiated: `rsa-sha2-512`, `ssh-ed25519-cert-v01@openssh.com`. */
  readonly algorithm: string
  readonly hostKey: Buffer
  readonly exchangeHash: Buffer
  readonly signature: Buffer
}

export interface HostKeyVerifier {
  /** Checks the signature. @throws HoldfastError ERR_SSH_HOST_KEY_SIGNATURE */
  check(offer: HostKeyOffer): void
  /** Decides whether this key is the host's. The offer is its own to keep. Rejects with ERR_SSH_HOST_KEY_… when it is not. */
  trust(offer: HostKeyOffer): Promise<void>
}

export interface HostKeySigner {
  /** The host key algorithms that this side can serve, in order of preference. */
  readonly algorithms: readonly string[]
  hostKey(algorithm: string): Buffer
  sign(algorithm: string, exchangeHash: Buffer): Buffer
}

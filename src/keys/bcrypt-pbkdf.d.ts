/** The package brings no types of its own; this is all of it that is used here. */
declare module 'bcrypt-pbkdf' {
  /** bcrypt_pbkdf of OpenBSD. Fills `derived` and returns 0, or returns -1 for arguments out of range. */
  export function pbkdf(
    passphrase: Uint8Array,
    passphraseLength: number,
    salt: Uint8Array,
    saltLength: number,
    derived: Uint8Array,
    derivedLength: number,
    rounds: number,
  ): number
}

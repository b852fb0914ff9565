import { type ErrorCode, HoldfastError } from 'holdfast'

/** What to do about it here: the library's own hints name its options, which are not those of this program. */
const hints: Partial<Readonly<Record<ErrorCode, string>>> = {
  ERR_SSH_HOST_KEY_UNKNOWN:
    'compare the fingerprint with one from a trusted source; then accept it with --fingerprint SHA256:…, or add the host to known_hosts with --accept-new',
  ERR_SSH_AUTHENTICATION:
    'give a private key with -i, load one into the agent with ssh-add, or run this in a terminal, where a password can be asked for',
}

/** What a person needs to know of a failure: what it is, what was wrong, and what to do. */
export function failureLines(error: unknown): readonly string[] {
  if (!(error instanceof HoldfastError)) return [String(error)]
  const { code, message, hint } = error
  return [`${code}: ${message}`, `hint: ${hints[code] ?? hint}`]
}

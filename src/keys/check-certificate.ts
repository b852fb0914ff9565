import { printable } from '../wire/printable.js'
import type { Certificate, CertificateKind } from './certificate.js'
import { matchesPattern } from './patterns.js'

export interface CertificateDemands {
  readonly kind: CertificateKind
  /** The host name as the user gave it, without port, or the user name. */
  readonly principal: string
  /** Seconds since 1970. */
  readonly nowSeconds: number
  /** Critical options that the caller enforces. A certificate with any other is refused. @default none */
  readonly understood?: readonly string[]
}

/**
 * Whether a certificate vouches for this principal now. Whether its authority is trusted is another question.
 * @returns why not, for a person to read, or undefined if it does
 */
export function checkCertificate(certificate: Certificate, demands: CertificateDemands): string | undefined {
  return (
    checkKind(certificate, demands) ??
    checkTime(certificate, demands.nowSeconds) ??
    checkPrincipal(certificate, demands) ??
    checkOptions(certificate, demands.understood ?? []) ??
    checkAlgorithm(certificate)
  )
}

function checkKind({ kind }: Certificate, demands: CertificateDemands): string | undefined {
  return kind === demands.kind
    ? undefined
    : `it is a ${kind} certificate, where a ${demands.kind} certificate is needed`
}

function checkTime({ validAfter, validBefore }: Certificate, nowSeconds: number): string | undefined {
  const now = BigInt(Math.floor(nowSeconds))
  if (now < validAfter) return `it is not valid before ${instant(validAfter)}; is the clock of this machine right?`
  if (now >= validBefore) return `it expired at ${instant(validBefore)}`
  return undefined
}

function instant(seconds: bigint): string {
  // Beyond the year 9999 an ISO date has six digits, and soon after that Date ends.
  // oxlint-disable-next-line no-restricted-globals -- it formats an instant and reads no clock
  return seconds > 253_402_300_799n ? 'the end of time' : new Date(Number(seconds) * 1000).toISOString()
}

/** As OpenSSH since 10.3: an empty list vouches for nobody, and only a host's principals may hold wildcards. */
function checkPrincipal({ kind, principals }: Certificate, demands: CertificateDemands): string | undefined {
  if (principals.length === 0) return 'it names no principal; sign it anew with ssh-keygen -n'
  const matches =
    kind === 'host'
      ? principals.some((pattern) => matchesPattern(demands.principal.toLowerCase(), pattern))
      : principals.includes(demands.principal)
  if (matches) return undefined
  return `it is not for ${printable(demands.principal)}, but for ${printable(principals.join(', '))}`
}

function checkOptions({ criticalOptions }: Certificate, understood: readonly string[]): string | undefined {
  const unknown = [...criticalOptions.keys()].find((name) => !understood.includes(name))
  return unknown === undefined ? undefined : `it has the critical option ${printable(unknown)}, which is not supported`
}

/** OpenSSH's CASignatureAlgorithms: all but SHA-1. */
function checkAlgorithm({ signatureAlgorithm }: Certificate): string | undefined {
  return signatureAlgorithm === 'ssh-rsa' ? 'its authority signed it by ssh-rsa, which is SHA-1' : undefined
}

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.js'

/** In PEM. */
export interface Certificate {
  readonly certificate: string
  readonly privateKey: string
}

/** A certificate for `localhost` that is its own authority. Needs the tool openssl: Node makes none. */
export async function makeCertificate(): Promise<Certificate> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-certificate-'))
  try {
    const keyFile = join(directory, 'key.pem')
    const certificateFile = join(directory, 'certificate.pem')
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', keyFile, '-out', certificateFile],
    ])
    return { certificate: await readFile(certificateFile, 'utf8'), privateKey: await readFile(keyFile, 'utf8') }
  } finally {
    await rm(directory, { recursive: true })
  }
}

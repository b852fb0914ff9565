import { readFileSync } from 'node:fs'

/** Who we say we are (RFC 4253 section 4.2): `SSH-2.0-Holdfast_1.2.3`. */
export const identification = `SSH-2.0-Holdfast_${readVersion()}`

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const found =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined
  return typeof found === 'string' ? found.replace(/[^\w.]/g, '_') : 'unknown'
}

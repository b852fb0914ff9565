import { readFileSync } from 'node:fs'

/** Who we say we are (RFC 4253 section 4.2): `SSH-2.0-Holdfast_1.2.3`. */
export const identification = `SSH-2.0-Holdfast_${readVersion()}`

/** In a program that was made one file another package's manifest may lie there, or none. */
function readVersion(): string {
  const manifest = readManifest()
  if (typeof manifest !== 'object' || manifest === null) return 'unknown'
  if (!('name' in manifest) || manifest.name !== 'holdfast' || !('version' in manifest)) return 'unknown'
  return String(manifest.version).replace(/[^\w.]/g, '_')
}

function readManifest(): unknown {
  try {
    return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  } catch {
    return undefined
  }
}

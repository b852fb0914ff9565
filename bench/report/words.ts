import type { ClientName } from '../clients/client.js'

export const clientLabels: Readonly<Record<ClientName, string>> = {
  holdfast: 'Holdfast',
  bare: 'a bare loop',
  ssh2: 'ssh2',
  'ssh2-nodelay': 'ssh2, nodelay',
  'ssh2-js': 'ssh2, nodelay, no add-on',
  'dev-tunnels': 'dev-tunnels-ssh',
  openssh: 'OpenSSH',
}

/** With as many digits as are known. */
export function number(value: number): string {
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en')
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return value.toFixed(2)
}

/** @param rows the header first; what is in the cells is Markdown already */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [header = [], ...lines] = rows
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

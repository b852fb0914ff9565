import { type Colours, escape, font, inBothSchemes } from '../../test/support/svg.js'
import type { ClientName } from '../clients/client.js'

export const width = 760

export interface Picture {
  readonly title: string
  /** The same in words. */
  readonly text: string
  readonly height: number
  readonly parts: readonly string[]
}

/** An SVG on paper of its own, so that it reads whatever it lies on. */
export function picture({ title, text, height, parts }: Picture): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title text">
<title id="title">${escape(title)}</title>
<desc id="text">${escape(text)}</desc>
<style>
text { font: ${font} } .name { font-weight: 600 } .small { font-size: 11px }
${inBothSchemes(rules)}
</style>
<rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${parts.join('\n')}
</svg>
`
}

/** Told apart without colours by their shapes, or their order. */
const hues: Readonly<Record<ClientName, string>> = {
  holdfast: '#1a7f37',
  bare: '#6e7781',
  ssh2: '#bf8700',
  'ssh2-nodelay': '#bc4c00',
  'ssh2-js': '#cf222e',
  'dev-tunnels': '#8250df',
  openssh: '#0969da',
}

function rules({ paper, edge, ink, faint }: Colours): string {
  return `.paper { fill: ${paper}; stroke: ${edge} } text { fill: ${ink} } .small { fill: ${faint} } .grid { stroke: ${edge} } .own { stroke: ${hues.holdfast}; stroke-width: 2 }
${Object.entries(hues)
  .map(([client, hue]) => `.${client} { fill: ${hue} }`)
  .join(' ')}`
}

const shapes: Readonly<Record<ClientName, string>> = {
  holdfast: 'M-5 -5 h10 v10 h-10 z',
  bare: 'M-6 -2 h12 v4 h-12 z',
  ssh2: 'M0 -6 L6 5 L-6 5 z',
  'ssh2-nodelay': 'M0 6 L6 -5 L-6 -5 z',
  'ssh2-js': 'M0 -6.5 L6.5 0 L0 6.5 L-6.5 0 z',
  'dev-tunnels': 'M-5 -5 h10 v10 h-10 z',
  openssh: 'M-5 0 a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0 z',
}

export function mark(client: ClientName, x: number, y: number, title: string): string {
  return `<path class="${client}" transform="translate(${x} ${y})" d="${shapes[client]}"><title>${escape(title)}</title></path>`
}

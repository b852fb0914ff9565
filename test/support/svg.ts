/** What the pictures of docs/ have in common: they read on light and on dark. */

export interface Colours {
  readonly paper: string
  readonly edge: string
  readonly ink: string
  readonly faint: string
  readonly good: string
  readonly bad: string
}

const light: Colours = {
  paper: '#ffffff',
  edge: '#d0d7de',
  ink: '#1f2328',
  faint: '#59636e',
  good: '#1a7f37',
  bad: '#cf222e',
}
const dark: Colours = {
  paper: '#0d1117',
  edge: '#3d444d',
  ink: '#f0f6fc',
  faint: '#9198a1',
  good: '#3fb950',
  bad: '#ff7b72',
}

export const font = '13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif'

/** The same rules in the colours of each scheme. */
export function inBothSchemes(rules: (colours: Colours) => string): string {
  return `${rules(light)}
@media (prefers-color-scheme: dark) {
${rules(dark)}
}`
}

/** To a tenth: nobody sees less. */
export function round(value: number): number {
  return Math.round(value * 10) / 10
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

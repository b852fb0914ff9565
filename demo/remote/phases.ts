import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { DiagnosticsMessages, Phase } from 'holdfast'

type ConnectionMessage = DiagnosticsMessages['holdfast:connection']

const texts: Partial<Readonly<Record<Phase, string>>> = {
  dns: 'looks up the host and connects',
  identification: 'TCP connection made: exchanges keys and checks the host key',
  authentication: 'keys exchanged, host key trusted: authenticates',
}

/** Tells each phase that a connection of this process comes to on its way. Returns how to stop that. */
export function followPhases(tell: (text: string) => void): () => void {
  const listener = (message: unknown): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is what this channel carries
    const { state, phase } = message as ConnectionMessage
    const text = state === 'connecting' ? texts[phase] : undefined
    if (text !== undefined) tell(text)
  }
  subscribe('holdfast:connection', listener)
  return () => unsubscribe('holdfast:connection', listener)
}

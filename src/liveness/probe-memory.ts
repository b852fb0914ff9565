import type { ProbeKind } from './port.js'

/** What one host taught us about probes. */
export interface HostMemory {
  /** Kinds that it passes over in silence. */
  readonly deaf: Set<ProbeKind>
  /** It answered none of those that were tried. */
  mute: boolean
}

const hostsMax = 1024

/** What hosts answer, kept for the life of the process: the least recently used host is forgotten first. */
export class ProbeMemory {
  readonly #hosts = new Map<string, HostMemory>()

  /** @param host name and port, as the program names them */
  of(host: string): HostMemory {
    const memory = this.#hosts.get(host) ?? { deaf: new Set(), mute: false }
    this.#hosts.delete(host)
    this.#hosts.set(host, memory)
    const [oldest] = this.#hosts.keys()
    if (this.#hosts.size > hostsMax && oldest !== undefined) this.#hosts.delete(oldest)
    return memory
  }
}

export const probeMemory = new ProbeMemory()

/** What is used of @microsoft/dev-tunnels-ssh, which is installed apart from this project (see peers.ts). */
import type { Socket } from 'node:net'

type Listen<T> = (listener: (event: T) => void) => unknown

export interface SshSessionConfiguration {
  readonly encryptionAlgorithms: ({ readonly name: string } | null)[]
  keepAliveTimeoutInSeconds: number
}

export interface SshChannel {
  readonly onDataReceived: Listen<Buffer>
  readonly onClosed: Listen<unknown>
  adjustWindow(bytes: number): void
  request(request: CommandRequestMessage): Promise<boolean>
  send(data: Buffer): Promise<void>
}

export interface CommandRequestMessage {
  command: string
  wantReply: boolean
}

export interface SshClientSession {
  readonly onAuthenticating: Listen<{ authenticationPromise: Promise<object> }>
  connect(stream: object): Promise<void>
  authenticate(credentials: { readonly username: string; readonly publicKeys: readonly object[] }): Promise<boolean>
  openChannel(): Promise<SshChannel>
  dispose(): void
}

export interface DevTunnels {
  readonly SshSessionConfiguration: new () => SshSessionConfiguration
  readonly SshClientSession: new (config: SshSessionConfiguration) => SshClientSession
  readonly NodeStream: new (socket: Socket) => object
  readonly CommandRequestMessage: new () => CommandRequestMessage
}

export interface KeyReader {
  importKey(text: string): Promise<object>
}

import { BaseAgent, createAgent, OpenSSHAgent } from './agents.js'
import { Client } from './client.js'
import { deferred } from './deferred.js'
import { HTTPAgent, HTTPSAgent } from './http-agents.js'
import { useOriginal } from './original.js'
import { utils } from './utils.js'

/** What Holdfast, a client, leaves to ssh2: without that package, to make one is an error that says so. */
const AgentProtocol = deferred('AgentProtocol')
const CygwinAgent = deferred('CygwinAgent')
const PageantAgent = deferred('PageantAgent')
const Server = deferred('Server')

/** As `require('ssh2')` gives it: programs put their own in the place of its properties. */
const ssh2 = {
  AgentProtocol,
  BaseAgent,
  createAgent,
  Client,
  CygwinAgent,
  HTTPAgent,
  HTTPSAgent,
  OpenSSHAgent,
  PageantAgent,
  Server,
  utils,
  useOriginal,
}

export {
  AgentProtocol,
  BaseAgent,
  Client,
  CygwinAgent,
  createAgent,
  HTTPAgent,
  HTTPSAgent,
  OpenSSHAgent,
  PageantAgent,
  Server,
  useOriginal,
  utils,
}
// oxlint-disable-next-line import/no-default-export -- ssh2 has one: `import ssh2 from 'ssh2'`
export default ssh2

export type { ConnectionStats } from '../client/stats.js'
export type { AgentLike, SignOptions } from './agents.js'
export type { AlgorithmList, Algorithms } from './algorithms.js'
export type { AskPrompts, AuthHandler, AuthMethod, AuthMethodName, FinishPrompts, Prompt } from './auth-methods.js'
export type { Channel, Channel as ClientChannel } from './channel.js'
export type { ChannelExit, PseudoTtyOptions, WindowSize, X11Options } from './channel-requests.js'
export type { ClientStderr as ChannelStderr } from './channel-stderr.js'
export type { ClientEvents, TcpConnectionDetails, UnixConnectionDetails, X11Details } from './client-events.js'
export type { ConnectConfig, HashedHostVerifier, HostVerifier } from './config.js'
export type { ErrorLevel, Ssh2Error } from './errors.js'
export type { Handshake, HandshakeDirection } from './negotiated.js'
export type { Original } from './original.js'
export type { ParsedKey } from './parsed-key.js'
export type { ExecOptions, ShellOptions } from './programs.js'
export type { SFTP as SFTPWrapper } from './sftp.js'
export type { FileSystemStats } from './sftp-extensions.js'
export type { FileOptions } from './sftp-files.js'
export type { ReadStream, ReadStreamOptions } from './sftp-read-stream.js'
export type { TransferOptions } from './sftp-transfer.js'
export type { FileEntry, InputAttributes, Stats } from './sftp-values.js'
export type { WriteStream, WriteStreamOptions } from './sftp-write-stream.js'
// What `require()` of Node 22.12 and later gives: an object whose properties can be written, as that of ssh2.
export { ssh2 as 'module.exports' }

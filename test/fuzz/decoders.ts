/** Everything that reads bytes or text of somebody else, with samples of what it is to read. */
import type { ErrorCode } from 'holdfast'
import { parseTarget } from '#src/client/target.js'
import { kexMethods } from '#src/kex/methods.js'
import { decodeIdentities, decodeSignature } from '#src/keys/agent.js'
import { agentFrames } from '#src/keys/agent-messages.js'
import { decodeHostKeys, encodeHostKeys } from '#src/keys/host-key-rotation.js'
import { parseKnownHosts } from '#src/keys/known-hosts.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { outlinePrivateKey } from '#src/keys/private-key-file.js'
import { parsePublicKey } from '#src/keys/public-key.js'
import { parsePublicKeyLine } from '#src/keys/public-key-line.js'
import { parseDuration } from '#src/liveness/duration.js'
import { IdentificationReader } from '#src/transport/identification.js'
import * as auth from '#src/wire/auth-messages.js'
import * as connection from '#src/wire/connection-messages.js'
import * as kex from '#src/wire/kex-messages.js'
import * as method from '#src/wire/kex-method-messages.js'
import * as session from '#src/wire/session-messages.js'
import * as transport from '#src/wire/transport-messages.js'
import { Writer } from '#src/wire/writer.js'
import { hostKey } from '../support/core/options.js'
import { Random } from '../support/core/random.js'
import { forwardDecoders } from './forward-decoders.js'
import { scpDecoders } from './scp-decoders.js'
import { sftpDecoders } from './sftp-decoders.js'

export interface Decoder {
  readonly name: string
  decode(bytes: Buffer): unknown
  readonly samples: readonly Buffer[]
  /** The only code with which it may refuse. */
  readonly code: ErrorCode
  /** How its refusals begin. */
  readonly says: RegExp
}

const data = Buffer.from('some data')
const names = ['first', 'second@example.org']
const open = { sender: 1, window: 2_097_152, maxPacket: 32_768, data: Buffer.alloc(0) }
const user = { username: 'deploy', service: 'ssh-connection' }
const { blob } = hostKey.publicKey
const signature = hostKey.sign('ssh-ed25519', data)
const offer: kex.AlgorithmOffer = {
  kex: names,
  serverHostKey: names,
  cipherClientToServer: names,
  cipherServerToClient: names,
  macClientToServer: names,
  macServerToClient: names,
  compressionClientToServer: ['none'],
  compressionServerToClient: ['none'],
}

/** Message and field: `CHANNEL_DATA: recipient channel needs 4 bytes, …`. */
function wire(name: string, decode: (bytes: Buffer) => unknown, ...samples: Buffer[]): Decoder {
  return { name, decode, samples, code: 'ERR_SSH_PROTOCOL', says: new RegExp(`^${name}: [a-zA-Z]`) }
}

const bare = (name: 'CHANNEL_EOF' | 'CHANNEL_CLOSE' | 'CHANNEL_SUCCESS' | 'CHANNEL_FAILURE') =>
  wire(name, (bytes) => connection.decodeBareChannelMessage(name, bytes), connection.encodeBareChannelMessage(name, 3))

export const wireDecoders: readonly Decoder[] = [
  wire('DISCONNECT', transport.decodeDisconnect, transport.encodeDisconnect({ reason: 2, description: 'bye' })),
  wire('IGNORE', transport.decodeIgnore, transport.encodeIgnore(data)),
  wire('UNIMPLEMENTED', transport.decodeUnimplemented, transport.encodeUnimplemented(7)),
  wire('DEBUG', transport.decodeDebug, new Writer().byte(4).boolean(true).string('hello').string('en').finish()),
  wire('SERVICE_REQUEST', transport.decodeServiceRequest, transport.encodeServiceRequest('ssh-userauth')),
  wire('SERVICE_ACCEPT', transport.decodeServiceAccept, transport.encodeServiceAccept('ssh-userauth')),
  wire('EXT_INFO', transport.decodeExtInfo, transport.encodeExtInfo(new Map([['server-sig-algs', data]]))),
  wire('PING', transport.decodePing, transport.encodePing(data)),
  wire('PONG', transport.decodePong, transport.encodePong(data)),
  wire('KEXINIT', kex.decodeKexInit, kex.encodeKexInit(Buffer.alloc(16), { offer, firstKexPacketFollows: false })),
  wire('NEWKEYS', kex.decodeNewKeys, kex.encodeNewKeys()),
  wire('KEX_ECDH_INIT', (bytes) => method.ecdhMessages.decodeInit(bytes), method.ecdhMessages.encodeInit(data)),
  wire(
    'KEX_ECDH_REPLY',
    (bytes) => method.ecdhMessages.decodeReply(bytes),
    method.ecdhMessages.encodeReply({ hostKey: blob, share: data, signature }),
  ),
  wire('KEXDH_INIT', (bytes) => method.dhMessages.decodeInit(bytes), method.dhMessages.encodeInit(data)),
  wire(
    'KEXDH_REPLY',
    (bytes) => method.dhMessages.decodeReply(bytes),
    method.dhMessages.encodeReply({ hostKey: blob, share: data, signature }),
  ),
  wire(
    'KEX_DH_GEX_REQUEST',
    method.decodeGroupRequest,
    method.encodeGroupRequest({ min: 2048, preferred: 4096, max: 8192 }),
  ),
  wire('KEX_DH_GEX_GROUP', method.decodeGroup, method.encodeGroup({ prime: data, generator: Buffer.of(2) })),
  wire(
    'USERAUTH_REQUEST',
    auth.decodeUserauthRequest,
    auth.encodeUserauthRequest({ ...user, method: 'none' }),
    auth.encodeUserauthRequest({ ...user, method: 'password', password: 'secret', newPassword: 'new' }),
    auth.encodeUserauthRequest({ ...user, method: 'publickey', algorithm: 'ssh-ed25519', key: blob, signature }),
    auth.encodeUserauthRequest({ ...user, method: 'keyboard-interactive', submethods: names }),
  ),
  wire(
    'USERAUTH_FAILURE',
    auth.decodeUserauthFailure,
    auth.encodeUserauthFailure({ methods: names, partialSuccess: true }),
  ),
  wire('USERAUTH_SUCCESS', auth.decodeUserauthSuccess, auth.encodeUserauthSuccess()),
  wire(
    'USERAUTH_BANNER',
    auth.decodeUserauthBanner,
    auth.encodeUserauthBanner({ message: 'Authorized use only\r\n', language: 'en' }),
  ),
  wire('USERAUTH_PK_OK', auth.decodePublicKeyOk, auth.encodePublicKeyOk({ algorithm: 'ssh-ed25519', key: blob })),
  wire('USERAUTH_PASSWD_CHANGEREQ', auth.decodePasswordChangeRequest, auth.encodePasswordChangeRequest('new one?')),
  wire(
    'USERAUTH_INFO_REQUEST',
    auth.decodeInfoRequest,
    auth.encodeInfoRequest({ name: 'n', instruction: 'i', prompts: [{ text: 'Code: ', echo: false }] }),
  ),
  wire('USERAUTH_INFO_RESPONSE', auth.decodeInfoResponse, auth.encodeInfoResponse(['123456', ''])),
  wire('GLOBAL_REQUEST', connection.decodeGlobalRequest, connection.encodeGlobalRequest('x@y', true, data)),
  wire('CHANNEL_OPEN', connection.decodeChannelOpen, connection.encodeChannelOpen({ type: 'session', ...open })),
  wire(
    'CHANNEL_OPEN_CONFIRMATION',
    connection.decodeChannelOpenConfirmation,
    connection.encodeChannelOpenConfirmation({ recipient: 0, ...open }),
  ),
  wire(
    'CHANNEL_OPEN_FAILURE',
    connection.decodeChannelOpenFailure,
    connection.encodeChannelOpenFailure({ recipient: 0, reason: 1, description: 'no' }),
  ),
  wire('CHANNEL_WINDOW_ADJUST', connection.decodeWindowAdjust, connection.encodeWindowAdjust(0, 1000)),
  wire(
    'CHANNEL_DATA',
    connection.decodeChannelData,
    Buffer.concat([connection.encodeChannelDataHead(0, data.length), data]),
  ),
  wire(
    'CHANNEL_EXTENDED_DATA',
    connection.decodeExtendedData,
    Buffer.concat([connection.encodeExtendedDataHead(0, 1, data.length), data]),
  ),
  bare('CHANNEL_EOF'),
  bare('CHANNEL_CLOSE'),
  bare('CHANNEL_SUCCESS'),
  bare('CHANNEL_FAILURE'),
  wire(
    'CHANNEL_REQUEST',
    connection.decodeChannelRequest,
    connection.encodeChannelRequest({ recipient: 0, type: 'exec', wantReply: true, data }),
  ),
  wire('env request', session.decodeEnv, session.encodeEnv('LANG', 'C')),
  wire(
    'pty-req request',
    session.decodePtyRequest,
    session.encodePtyRequest({ term: 'xterm', columns: 80, rows: 24, modes: Buffer.of(0) }),
  ),
  wire('window-change request', session.decodeWindowChange, session.encodeWindowChange({ columns: 80, rows: 24 })),
  wire('exec request', (bytes) => session.decodeStart('exec', bytes), session.encodeStart('uptime')),
  wire('signal request', session.decodeSignal, session.encodeSignal('TERM')),
  wire('exit-status request', session.decodeExitStatus, session.encodeExitStatus(1)),
  wire('exit-signal request', session.decodeExitSignal, session.encodeExitSignal('KILL')),
]

const text = (decode: (text: string) => unknown) => (bytes: Buffer) => decode(bytes.toString('utf8'))
const lines = [
  `example.org,10.0.0.1 ssh-ed25519 ${blob.toString('base64')}`,
  `@revoked * ssh-ed25519 ${blob.toString('base64')}`,
]
const rsaKey = generatePrivateKey('ssh-rsa')
const ecdsaKey = generatePrivateKey('ecdsa-sha2-nistp256')

/** OpenSSH's PROTOCOL.key, without a passphrase; the secret part is not looked into here. */
function opensshKeyFile(): Buffer {
  const file = new Writer().bytes(Buffer.from('openssh-key-v1\0')).string('none').string('none').string('')
  const base64 = file.uint32(1).string(blob).string(Buffer.alloc(136)).finish().toString('base64')
  return Buffer.from(`-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}\n-----END OPENSSH PRIVATE KEY-----\n`)
}

/** What an agent says, keys, files, names. */
const otherDecoders: readonly Decoder[] = [
  {
    name: 'identification',
    decode: (bytes) => new IdentificationReader().receive(bytes),
    samples: [Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'), Buffer.from('Hello\r\nSSH-1.99-x\n')],
    code: 'ERR_SSH_IDENTIFICATION',
    says: /^the peer is no SSH 2.0 server: /,
  },
  {
    name: 'public key',
    decode: (bytes) => parsePublicKey(bytes).verify('ssh-ed25519', data, signature),
    samples: [blob, rsaKey.publicKey.blob, ecdsaKey.publicKey.blob],
    code: 'ERR_SSH_KEY',
    says: /./,
  },
  {
    name: 'public key line',
    decode: text((line) => parsePublicKeyLine(line)),
    samples: [Buffer.from(`ssh-ed25519 ${blob.toString('base64')} me@here`)],
    code: 'ERR_SSH_KEY',
    says: /./,
  },
  {
    name: 'signature',
    decode: (bytes) => hostKey.publicKey.verify('ssh-ed25519', data, bytes),
    samples: [signature],
    code: 'ERR_SSH_KEY',
    says: /^never/,
  },
  {
    name: 'private key file',
    decode: (bytes) => outlinePrivateKey(bytes, 'id_test'),
    samples: [opensshKeyFile()],
    code: 'ERR_SSH_KEY',
    says: /id_test/,
  },
  {
    name: 'known_hosts',
    decode: text((content) => parseKnownHosts(content, 'known_hosts')),
    samples: [Buffer.from(lines.join('\n'))],
    code: 'ERR_SSH_KNOWN_HOSTS',
    says: /known_hosts/,
  },
  {
    name: 'hostkeys request',
    decode: decodeHostKeys,
    samples: [encodeHostKeys([hostKey.publicKey, rsaKey.publicKey])],
    code: 'ERR_SSH_PROTOCOL',
    says: /^hostkeys/,
  },
  {
    name: 'keys of an agent',
    decode: (bytes) => decodeIdentities(bytes, 'the agent'),
    samples: [new Writer().byte(12).uint32(1).string(blob).string('me').finish()],
    code: 'ERR_SSH_AGENT',
    says: /^the agent /,
  },
  {
    name: 'signature of an agent',
    decode: (bytes) => decodeSignature(bytes, 'ssh-ed25519', 'the agent'),
    samples: [new Writer().byte(14).string(signature).finish()],
    code: 'ERR_SSH_AGENT',
    says: /^the agent /,
  },
  {
    name: 'answer of an agent',
    decode: (bytes) => [...agentFrames('the agent').push(bytes)],
    samples: [new Writer().string(data).finish()],
    code: 'ERR_SSH_AGENT',
    says: /^the agent /,
  },
  {
    name: 'target',
    decode: text(parseTarget),
    samples: ['deploy@example.org:22', 'ssh://a%20b@[2001:db8::1]:2222', 'fe80::1%eth0'].map((target) =>
      Buffer.from(target),
    ),
    code: 'ERR_SSH_OPTION',
    says: /^the target /,
  },
  {
    name: 'duration',
    decode: text((value) => parseDuration(value, 'limits.connect')),
    samples: ['250ms', '1.5h', '15s'].map((value) => Buffer.from(value)),
    code: 'ERR_SSH_OPTION',
    says: /^limits.connect: /,
  },
]

/** Quick ones of every shape. */
const methods = ['curve25519-sha256', 'ecdh-sha2-nistp256', 'mlkem768x25519-sha256', 'diffie-hellman-group14-sha256']

function exchangeDecoders(name: string): readonly Decoder[] {
  const kexMethod = kexMethods.get(name)
  if (kexMethod === undefined) throw new RangeError(`there is no method ${name}`)
  const { bytes } = new Random(1)
  const init = kexMethod.client(bytes).start()
  const step = kexMethod.server(bytes).receive(init)
  if (step.step !== 'done') throw new RangeError(`${name} takes more than one step`)
  const code = 'ERR_SSH_PROTOCOL'
  const says = /^[\w@.-]+: [a-zA-Z]/
  const client = (payload: Buffer) => {
    const exchange = kexMethod.client(new Random(1).bytes)
    exchange.start()
    return exchange.receive(payload)
  }
  return [
    { name: `${name}, client`, decode: client, samples: [step.reply(blob, signature)], code, says },
    {
      name: `${name}, server`,
      decode: (payload) => kexMethod.server(new Random(1).bytes).receive(payload),
      samples: [init],
      code,
      says,
    },
  ]
}

export const decoders: readonly Decoder[] = [
  ...wireDecoders,
  ...otherDecoders,
  ...forwardDecoders,
  ...sftpDecoders,
  ...scpDecoders,
  ...methods.flatMap(exchangeDecoders),
]

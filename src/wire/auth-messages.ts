/** Messages of the authentication protocol: RFC 4252 (requests and answers), RFC 4256 (keyboard-interactive). */
import { messageNumber } from './numbers.js'
import { Reader } from './reader.js'
import { Writer } from './writer.js'

/** From 60 on a number means something else in each method, so who reads one must know what it asked for. */
export const authMethodNumber = { PK_OK: 60, PASSWD_CHANGEREQ: 60, INFO_REQUEST: 60, INFO_RESPONSE: 61 } as const

/** A form longer than this is an attack on the person in front of it; PAM stacks ask for one to three. */
const maxPrompts = 64
const maxPromptBytes = 8 * 1024
const maxInstructionBytes = 64 * 1024
/** Names and secrets, in bytes. */
const maxUsernameBytes = 1024
const maxSecretBytes = 8 * 1024
/** A certificate with 256 principals is the longest key there is. */
const maxKeyBytes = 256 * 1024

export interface NoneRequest {
  readonly method: 'none'
}

export interface PublicKeyRequest {
  readonly method: 'publickey'
  /** The signature algorithm, with `-cert-v01@openssh.com` in its name when the key is a certificate (RFC 8332). */
  readonly algorithm: string
  readonly key: Buffer
  /** Absent in a query: would this key do? */
  readonly signature: Buffer | undefined
}

export interface PasswordRequest {
  readonly method: 'password'
  readonly password: string
  /** Present in the answer to PASSWD_CHANGEREQ. */
  readonly newPassword: string | undefined
}

export interface KeyboardInteractiveRequest {
  readonly method: 'keyboard-interactive'
  readonly submethods: readonly string[]
}

/** A method that this library does not know: a server refuses it. */
export interface OtherRequest {
  readonly method: 'other'
  readonly name: string
}

export type AuthMethodRequest =
  | NoneRequest
  | PublicKeyRequest
  | PasswordRequest
  | KeyboardInteractiveRequest
  | OtherRequest

export type UserauthRequest = AuthMethodRequest & {
  readonly username: string
  readonly service: string
}

/** RFC 4252 section 5. */
export function encodeUserauthRequest(request: Exclude<UserauthRequest, OtherRequest>): Buffer {
  const writer = requestHead(request.username, request.service, request.method)
  switch (request.method) {
    case 'none':
      break
    case 'publickey':
      writer
        .boolean(request.signature !== undefined)
        .string(request.algorithm)
        .string(request.key)
      if (request.signature !== undefined) writer.string(request.signature)
      break
    case 'password':
      writer.boolean(request.newPassword !== undefined).string(request.password)
      if (request.newPassword !== undefined) writer.string(request.newPassword)
      break
    case 'keyboard-interactive':
      writer.string('').nameList(request.submethods)
      break
  }
  return writer.finish()
}

function requestHead(username: string, service: string, method: string): Writer {
  return new Writer().byte(messageNumber.USERAUTH_REQUEST).string(username).string(service).string(method)
}

export function decodeUserauthRequest(payload: Buffer): UserauthRequest {
  const reader = new Reader('USERAUTH_REQUEST', payload, 1)
  const username = reader.text('user name', maxUsernameBytes)
  const service = reader.name('service name')
  return { username, service, ...decodeMethod(reader, reader.name('method name')) }
}

function decodeMethod(reader: Reader, name: string): AuthMethodRequest {
  switch (name) {
    case 'none':
      return { method: name }
    case 'publickey':
      return decodePublicKeyRequest(reader)
    case 'password':
      return decodePasswordRequest(reader)
    case 'keyboard-interactive':
      // The language tag is deprecated (RFC 4256 section 3.1).
      reader.text('language tag', 256)
      return ended(reader, { method: name, submethods: reader.nameList('submethods') })
    default:
      return { method: 'other', name }
  }
}

function decodePublicKeyRequest(reader: Reader): PublicKeyRequest {
  const signed = reader.boolean('signature flag')
  const algorithm = reader.name('public key algorithm name')
  const key = Buffer.from(reader.string('public key blob', maxKeyBytes))
  const signature = signed ? Buffer.from(reader.string('signature', maxKeyBytes)) : undefined
  return ended(reader, { method: 'publickey', algorithm, key, signature })
}

function decodePasswordRequest(reader: Reader): PasswordRequest {
  const change = reader.boolean('change flag')
  const password = reader.text('password', maxSecretBytes)
  const newPassword = change ? reader.text('new password', maxSecretBytes) : undefined
  return ended(reader, { method: 'password', password, newPassword })
}

function ended<T>(reader: Reader, value: T): T {
  reader.end()
  return value
}

/**
 * What the owner of a key signs: RFC 4252 section 7. The session identifier ties the signature to this one
 * connection, so that a peer cannot use it to log in elsewhere.
 */
export function encodeSignedData(
  sessionId: Buffer,
  {
    username,
    service,
    algorithm,
    key,
  }: Pick<UserauthRequest, 'username' | 'service'> & Pick<PublicKeyRequest, 'algorithm' | 'key'>,
): Buffer {
  // A signature over no session would be good for any peer that calls its session so.
  if (sessionId.length === 0) throw new RangeError('nothing is signed without a session identifier')
  const head = requestHead(username, service, 'publickey').boolean(true).string(algorithm).string(key).finish()
  return new Writer(head.length + sessionId.length + 4).string(sessionId).bytes(head).finish()
}

export interface UserauthFailure {
  /** The methods that can continue. */
  readonly methods: readonly string[]
  /** What was sent is right, and more is needed: RFC 4252 section 5.1. */
  readonly partialSuccess: boolean
}

export function encodeUserauthFailure({ methods, partialSuccess }: UserauthFailure): Buffer {
  return new Writer().byte(messageNumber.USERAUTH_FAILURE).nameList(methods).boolean(partialSuccess).finish()
}

export function decodeUserauthFailure(payload: Buffer): UserauthFailure {
  const reader = new Reader('USERAUTH_FAILURE', payload, 1)
  const methods = reader.nameList('authentications that can continue')
  return ended(reader, { methods, partialSuccess: reader.boolean('partial success') })
}

export function encodeUserauthSuccess(): Buffer {
  return Buffer.of(messageNumber.USERAUTH_SUCCESS)
}

export function decodeUserauthSuccess(payload: Buffer): void {
  new Reader('USERAUTH_SUCCESS', payload, 1).end()
}

/** RFC 4252 section 5.4. */
export interface UserauthBanner {
  readonly message: string
  readonly language: string
}

export function encodeUserauthBanner({ message, language }: UserauthBanner): Buffer {
  return new Writer().byte(messageNumber.USERAUTH_BANNER).string(message).string(language).finish()
}

export function decodeUserauthBanner(payload: Buffer): UserauthBanner {
  const reader = new Reader('USERAUTH_BANNER', payload, 1)
  const message = reader.text('message')
  return ended(reader, { message, language: reader.text('language tag', 256) })
}

/** RFC 4252 section 7: the key of the query would do. */
export interface PublicKeyOk {
  readonly algorithm: string
  readonly key: Buffer
}

export function encodePublicKeyOk({ algorithm, key }: PublicKeyOk): Buffer {
  return new Writer().byte(authMethodNumber.PK_OK).string(algorithm).string(key).finish()
}

export function decodePublicKeyOk(payload: Buffer): PublicKeyOk {
  const reader = new Reader('USERAUTH_PK_OK', payload, 1)
  const algorithm = reader.name('public key algorithm name')
  return ended(reader, { algorithm, key: Buffer.from(reader.string('public key blob', maxKeyBytes)) })
}

/** RFC 4252 section 8: the password is right but expired. */
export function encodePasswordChangeRequest(prompt: string): Buffer {
  return new Writer().byte(authMethodNumber.PASSWD_CHANGEREQ).string(prompt).string('').finish()
}

export function decodePasswordChangeRequest(payload: Buffer): string {
  const reader = new Reader('USERAUTH_PASSWD_CHANGEREQ', payload, 1)
  const prompt = reader.text('prompt', maxPromptBytes)
  reader.text('language tag', 256)
  return ended(reader, prompt)
}

export interface Prompt {
  readonly text: string
  /** Whether what the person types may be shown. */
  readonly echo: boolean
}

/** RFC 4256 section 3.2: a form for a person to fill in. It may have no prompts at all. */
export interface InfoRequest {
  readonly name: string
  readonly instruction: string
  readonly prompts: readonly Prompt[]
}

export function encodeInfoRequest({ name, instruction, prompts }: InfoRequest): Buffer {
  const writer = new Writer().byte(authMethodNumber.INFO_REQUEST).string(name).string(instruction).string('')
  writer.uint32(prompts.length)
  for (const { text, echo } of prompts) writer.string(text).boolean(echo)
  return writer.finish()
}

export function decodeInfoRequest(payload: Buffer): InfoRequest {
  const reader = new Reader('USERAUTH_INFO_REQUEST', payload, 1)
  const name = reader.text('name', maxPromptBytes)
  const instruction = reader.text('instruction', maxInstructionBytes)
  reader.text('language tag', 256)
  const prompts = decodeMany(reader, 'num-prompts', () => ({
    text: reader.text('prompt', maxPromptBytes),
    echo: reader.boolean('echo'),
  }))
  return ended(reader, { name, instruction, prompts })
}

export function encodeInfoResponse(responses: readonly string[]): Buffer {
  const writer = new Writer().byte(authMethodNumber.INFO_RESPONSE).uint32(responses.length)
  for (const response of responses) writer.string(response)
  return writer.finish()
}

export function decodeInfoResponse(payload: Buffer): readonly string[] {
  const reader = new Reader('USERAUTH_INFO_RESPONSE', payload, 1)
  const responses = decodeMany(reader, 'num-responses', () => reader.text('response', maxSecretBytes))
  return ended(reader, responses)
}

function decodeMany<T>(reader: Reader, field: string, decodeOne: () => T): readonly T[] {
  const count = reader.uint32(field)
  if (count > maxPrompts) throw reader.error(field, `is ${count}, where at most ${maxPrompts} are allowed`)
  return Array.from({ length: count }, decodeOne)
}

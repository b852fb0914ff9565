/** A process of its own that appends keys for many hosts: node known-hosts-appender.js FILE PREFIX COUNT */
import process from 'node:process'
import { appendKnownHost } from '#src/keys/known-hosts-files.js'
import { generatePrivateKey } from '#src/keys/private-key.js'

const [file = '', prefix = '', count = '0'] = process.argv.slice(2)
const { publicKey } = generatePrivateKey('ssh-ed25519')
for (let index = 0; index < Number(count); index++) {
  await appendKnownHost(file, { host: `${prefix}${index}`, port: 22 }, publicKey)
}

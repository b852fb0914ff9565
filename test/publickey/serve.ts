/** For an sshd's `Subsystem publickey`: keys in memory, from the start of this process to its end. */
import { KeyStore } from './subsystem.js'

await new KeyStore().serve({ stdin: process.stdin, stdout: process.stdout })

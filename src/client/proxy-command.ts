import { HoldfastError } from '../errors.js'

export interface ProxyTarget {
  readonly host: string
  /** The name that the program gave, before ssh_config. */
  readonly alias: string
  readonly port: number
  readonly username: string
}

/** What a shell takes as it is: anything else in a name could become a command of somebody else's (CVE-2023-51385). */
const harmless = /^(?!-)[\w.:@+-]+$/

/**
 * Puts host (`%h`; `%n` as it was given), port (`%p`) and user (`%r`) into a ProxyCommand, as ssh_config(5) has it; `%%` is a percent sign.
 * @throws HoldfastError ERR_SSH_OPTION for another token, or a value that a shell would not take as it is
 */
export function expandProxyCommand(command: string, target: ProxyTarget): string {
  return command.replace(/%(.?)/g, (_, token: string) => {
    if (token === '%') return '%'
    if (token === 'p') return String(target.port)
    if (token === 'h') return checked(target.host, 'host')
    if (token === 'n') return checked(target.alias, 'host')
    if (token === 'r') return checked(target.username, 'username')
    throw wrong(`proxyCommand: %${token} is unknown; known are %h, %n, %p, %r and %%`)
  })
}

function checked(value: string, name: string): string {
  if (harmless.test(value)) return value
  throw wrong(`proxyCommand: ${name} has characters that a shell would take for its own`)
}

function wrong(message: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', message, { phase: 'options' })
}

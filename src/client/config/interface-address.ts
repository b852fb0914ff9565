import { networkInterfaces } from 'node:os'
import { HoldfastError } from '../../errors.js'

/**
 * An address of a network interface: BindInterface of ssh_config. IPv4 where both will do, as most interfaces have one.
 * @throws HoldfastError ERR_SSH_CONFIG where it has none
 */
export function addressOfInterface(name: string, family: 4 | 6 | undefined): string {
  const addresses = networkInterfaces()[name] ?? []
  // One that is valid on its own link alone leads nowhere else.
  const usable = addresses.filter(({ address }) => !address.startsWith('fe80:'))
  const wanted = family === undefined ? undefined : (`IPv${family}` as const)
  const found =
    usable.find((address) => address.family === (wanted ?? 'IPv4')) ?? (wanted === undefined ? usable[0] : undefined)
  if (found !== undefined) return found.address
  const problem = `bindinterface in ssh_config: ${name} has no${family === undefined ? '' : ` IPv${family}`} address`
  throw new HoldfastError('ERR_SSH_CONFIG', problem, {
    phase: 'options',
    hint: 'see `ip address`, or give socket.localAddress',
  })
}

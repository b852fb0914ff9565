export { HoldfastError } from '../errors.js'
export {
  type BadNetwork,
  type BadNetworkOptions,
  type BadNetworkStats,
  badNetwork,
  type OneWay,
} from './bad-network.js'
export type { Direction } from './conditions.js'
export type { FlowInfo, FlowState } from './flow.js'

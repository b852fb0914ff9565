import type { Channel as CoreChannel } from '../connection/channel.js'

/** What the stream of a channel needs of the channel itself, or of what stands for one. */
export type ChannelPort = Pick<
  CoreChannel,
  | 'localId'
  | 'remoteId'
  | 'remoteMaxPacket'
  | 'sendWindow'
  | 'receiveWindow'
  | 'isOpen'
  | 'write'
  | 'eof'
  | 'close'
  | 'consumed'
  | 'notify'
>

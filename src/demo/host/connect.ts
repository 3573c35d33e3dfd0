import { BrokerError, ProtocolError } from '../../lib/index.ts'
import type { Link } from './link.ts'
import { checkClientInfo, encodeValidClientLicence } from './wire/client-info.ts'
import type { Frame } from './wire/frames.ts'
import type { ClientData } from './wire/gcc.ts'
import {
  type DomainPdu,
  decodeDomainPdu,
  encodeAttachUserConfirm,
  encodeChannelJoinConfirm,
  FIRST_FREE_CHANNEL,
  IO_CHANNEL,
} from './wire/mcs.ts'
import { decodeConnectInitial, encodeConnectResponse } from './wire/mcs-connect.ts'

/** Ids that were handed out on one connection. */
export interface Channels {
  staticChannels: readonly number[]
  messageChannel?: number
  user: number
}

export interface Connected {
  client: ClientData
  channels: Channels
}

export type Frames = AsyncGenerator<Frame, undefined>

/**
 * From MCS connect to licence, [MS-RDPBCGR] 1.3.1.1: after it, capabilities are next.
 *
 * @param requestedProtocols from the Connection Request
 * @throws ProtocolError for anything out of order; BrokerError `ERR_CLOSED`
 */
export async function connect(
  link: Link,
  frames: Frames,
  requestedProtocols: number,
): Promise<Connected> {
  const client = decodeConnectInitial(await receiveTpdu(frames))
  const channels = assignChannels(client)
  const { staticChannels, messageChannel } = channels
  link.sendMcs(
    encodeConnectResponse({
      clientRequestedProtocols: requestedProtocols,
      skipChannelJoin: client.supportsSkipChannelJoin,
      ioChannel: IO_CHANNEL,
      staticChannels,
      ...(messageChannel === undefined ? {} : { messageChannel }),
    }),
  )
  checkClientInfo(await joinChannels(link, frames, channels))
  link.sendIo(encodeValidClientLicence())
  return { client, channels }
}

export function hasChannel(channels: Channels, channel: number): boolean {
  const { staticChannels, messageChannel, user } = channels
  return [IO_CHANNEL, messageChannel, user, ...staticChannels].includes(channel)
}

function assignChannels({ staticChannels: count, wantsMessageChannel }: ClientData): Channels {
  const staticChannels = Array.from({ length: count }, (_, index) => FIRST_FREE_CHANNEL + index)
  const next = FIRST_FREE_CHANNEL + count
  if (!wantsMessageChannel) return { staticChannels, user: next }
  return { staticChannels, messageChannel: next, user: next + 1 }
}

/**
 * Answers attach and joins until the first data on the I/O channel, which it returns. A client may skip
 * the joins, all or some.
 */
async function joinChannels(link: Link, frames: Frames, channels: Channels): Promise<Uint8Array> {
  let attached = false
  const joined = new Set<number>()
  for (;;) {
    const pdu = decodeDomainPdu(await receiveTpdu(frames))
    if (pdu.kind === 'erectDomain') continue
    if (pdu.kind === 'disconnect') {
      throw new BrokerError('ERR_CLOSED', 'connection: ended by the client during set-up')
    }
    if (pdu.kind === 'attachUser') {
      if (attached) throw unexpected(pdu, 'a second time')
      attached = true
      link.sendMcs(encodeAttachUserConfirm(channels.user))
      continue
    }
    if (!attached) throw unexpected(pdu, 'before attach')
    if (pdu.kind === 'channelJoin') {
      // A second join of a channel gets no answer, T.125 11.21.
      if (joined.has(pdu.channel)) continue
      const allowed = hasChannel(channels, pdu.channel)
      if (allowed) joined.add(pdu.channel)
      link.sendMcs(encodeChannelJoinConfirm({ user: channels.user, channel: pdu.channel, allowed }))
      continue
    }
    if (pdu.channel === IO_CHANNEL) return pdu.data
    if (!hasChannel(channels, pdu.channel)) throw unexpected(pdu, `on channel ${pdu.channel}`)
  }
}

async function receiveTpdu(frames: Frames): Promise<Uint8Array> {
  const { value: frame } = await frames.next()
  if (frame === undefined) {
    throw new BrokerError('ERR_CLOSED', 'connection: closed by the client during set-up')
  }
  if (frame.kind === 'tpdu') return frame.payload
  throw new ProtocolError('ERR_PACKET_UNEXPECTED', 'FASTPATH_INPUT', 'action', 'before activation')
}

function unexpected(pdu: DomainPdu, when: string): ProtocolError {
  return new ProtocolError('ERR_PACKET_UNEXPECTED', 'MCS', pdu.kind, when)
}

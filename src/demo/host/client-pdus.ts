import { ProtocolError } from '../../lib/index.ts'
import { type Channels, type Frames, hasChannel } from './connect.ts'
import { decodeDomainPdu, IO_CHANNEL } from './wire/mcs.ts'
import { decodeSharePdus, type SharePdu } from './wire/share.ts'

/** What a client says once it is connected. */
export type ClientPdu = SharePdu | { kind: 'fastPath'; pdu: Uint8Array }

export type ClientPdus = AsyncGenerator<ClientPdu, undefined>

/**
 * The client's messages one by one, however they were packed. Data on virtual channels is passed over.
 * Ends when the client disconnects.
 *
 * @throws ProtocolError for a channel that was never given and for MCS requests that come too late
 */
export async function* readClientPdus(frames: Frames, channels: Channels): ClientPdus {
  for await (const frame of frames) {
    if (frame.kind === 'fastPath') {
      yield frame
      continue
    }
    const message = decodeDomainPdu(frame.payload)
    if (message.kind === 'disconnect') return
    if (message.kind !== 'data' || !hasChannel(channels, message.channel)) {
      throw new ProtocolError('ERR_PACKET_UNEXPECTED', 'MCS', message.kind, 'after connect')
    }
    if (message.channel === IO_CHANNEL) yield* decodeSharePdus(message.data)
  }
}

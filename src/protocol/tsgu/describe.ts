import { Secret } from '../../lib/index.ts'
import { classifyFirstBytes } from '../first-bytes.ts'
import { decodeChannelCreate, decodeChannelResponse, decodeClose } from './channel.ts'
import { decodeData, decodeReauth, decodeServiceMessage } from './data.ts'
import { decodeExtendedAuth, decodeHandshakeRequest, decodeHandshakeResponse } from './handshake.ts'
import { HEADER_BYTES, type Packet, PacketType } from './packet.ts'
import { formatStatus, statusName } from './status.ts'
import { decodeTunnelCreate, decodeTunnelResponse } from './tunnel.ts'
import { decodeTunnelAuth, decodeTunnelAuthResponse } from './tunnel-auth.ts'

type Fields = object

/** By type: the specification's name without HTTP_ and _PACKET, and what to show of the body. */
const KINDS: Record<PacketType, [name: string, fieldsOf: (body: Uint8Array) => Fields]> = {
  [PacketType.handshakeRequest]: ['HANDSHAKE_REQUEST', decodeHandshakeRequest],
  [PacketType.handshakeResponse]: ['HANDSHAKE_RESPONSE', decodeHandshakeResponse],
  [PacketType.extendedAuth]: [
    'EXTENDED_AUTH',
    (body) => {
      const { errorCode, authBlob } = decodeExtendedAuth(body)
      return { errorCode, authBlobBytes: authBlob.length }
    },
  ],
  [PacketType.tunnelCreate]: ['TUNNEL_CREATE', decodeTunnelCreate],
  [PacketType.tunnelResponse]: ['TUNNEL_RESPONSE', decodeTunnelResponse],
  [PacketType.tunnelAuth]: ['TUNNEL_AUTH', decodeTunnelAuth],
  [PacketType.tunnelAuthResponse]: ['TUNNEL_AUTH_RESPONSE', decodeTunnelAuthResponse],
  [PacketType.channelCreate]: ['CHANNEL_CREATE', decodeChannelCreate],
  [PacketType.channelResponse]: ['CHANNEL_RESPONSE', decodeChannelResponse],
  [PacketType.data]: ['DATA', fieldsOfData],
  [PacketType.serviceMessage]: [
    'SERVICE_MESSAGE',
    (body) => ({ message: decodeServiceMessage(body) }),
  ],
  [PacketType.reauth]: ['REAUTH', (body) => ({ reauthTunnelContext: decodeReauth(body) })],
  [PacketType.keepAlive]: ['KEEPALIVE', () => ({})],
  [PacketType.closeChannel]: ['CLOSE_CHANNEL', (body) => ({ statusCode: decodeClose(body) })],
  [PacketType.closeChannelResponse]: [
    'CLOSE_CHANNEL_RESPONSE',
    (body) => ({ statusCode: decodeClose(body) }),
  ],
}

/**
 * One packet in one line, for a person: its name, its length and its fields. A token is never in it, nor
 * are the bytes of DATA, in which a preconnection blob may carry one. Never throws: what cannot be
 * read is said to be so.
 */
export function describePacket({ type, body }: Packet): string {
  const [name, fieldsOf] = KINDS[type]
  const head = `${name} ${HEADER_BYTES + body.length} bytes`
  try {
    const fields = Object.entries(fieldsOf(body)).map(([field, value]) => show(field, value))
    return [head, ...fields].join(' ')
  } catch (error) {
    return `${head}, unreadable: ${error instanceof Error ? error.message : error}`
  }
}

function fieldsOfData(body: Uint8Array): Fields {
  const data = decodeData(body)
  const kind = classifyFirstBytes(data)
  const looksLike = kind === undefined || kind === 'other' ? {} : { looksLike: kind }
  return { payloadBytes: data.length, ...looksLike }
}

const CODES = ['errorCode', 'statusCode']
const FLAGS = ['capsFlags', 'redirFlags', 'extendedAuth']

function show(field: string, value: unknown): string {
  return `${field}=${typeof value === 'number' ? showNumber(field, value) : showOther(value)}`
}

function showNumber(field: string, value: number): string {
  if (FLAGS.includes(field)) return `0x${value.toString(16)}`
  if (!CODES.includes(field)) return String(value)
  const name = statusName(value)
  return name === undefined ? formatStatus(value) : `${formatStatus(value)} (${name})`
}

/** As JSON, so that no text of a peer's breaks the line. */
function showOther(value: unknown): string {
  if (value instanceof Secret) return `[secret] (${value.length} characters)`
  if (typeof value === 'bigint') return String(value)
  return JSON.stringify(value)
}

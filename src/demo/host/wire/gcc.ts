import { Reader, Writer } from '../../../protocol/index.ts'
import { encodePerLength, readPerLength } from './asn1.ts'

/**
 * GCC conference data: what client and host tell about themselves in the MCS connect messages,
 * [MS-RDPBCGR] 2.2.1.3 and 2.2.1.4. Only the blocks that the test card needs are read.
 */

/** earlyCapabilityFlags: the client understands Set Error Info. */
const SUPPORT_ERRINFO_PDU = 0x0001
/** earlyCapabilityFlags: the client can go on without joining channels one by one. */
const SUPPORT_SKIP_CHANNELJOIN = 0x0800
/** The host's earlyCapabilityFlags: no channel join needed. */
const SKIP_CHANNELJOIN_SUPPORTED = 0x0000_0008

export interface ClientData {
  /** Pixels, as the client asked; not yet bounded. */
  desktopWidth: number
  desktopHeight: number
  supportsErrorInfo: boolean
  supportsSkipChannelJoin: boolean
  /** How many static virtual channels it wants, 0 to 31. */
  staticChannels: number
  wantsMessageChannel: boolean
}

export interface ServerData {
  /** RDP_NEG_REQ.requestedProtocols, echoed exactly: mstsc is said to compare. */
  clientRequestedProtocols: number
  skipChannelJoin: boolean
  ioChannel: number
  /** In the order in which the client asked for them. */
  staticChannels: readonly number[]
  messageChannel?: number
}

const CS_CORE = 0xc001
const CS_NET = 0xc003
const CS_MCS_MSGCHANNEL = 0xc006
const SC_CORE = 0x0c01
const SC_SECURITY = 0x0c02
const SC_NET = 0x0c03
const SC_MCS_MSGCHANNEL = 0x0c04

const BLOCK_HEADER_BYTES = 2 /* type */ + 2 /* length */
const MANDATORY_CORE_BYTES = 128
const EARLY_CAPABILITY_FLAGS_OFFSET = 140
const MAX_STATIC_CHANNELS = 31
const CHANNEL_DEF_BYTES = 8 /* name */ + 4 /* options */

/** The client's h221 non-standard key; the server's is `McDn`. */
const CLIENT_KEY = Buffer.from('Duca')
/** The key follows a fixed run of PER choices; looked for, since lengths in front of it vary by a byte. */
const KEY_SEARCH_BYTES = 32

/**
 * The user data of a GCC Conference Create Request.
 *
 * @param bytes the OCTET STRING of MCS Connect-Initial
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeClientData(bytes: Uint8Array): ClientData {
  const reader = new Reader('GCC_CREATE_REQUEST', bytes)
  const key = Buffer.from(bytes.subarray(0, KEY_SEARCH_BYTES)).indexOf(CLIENT_KEY)
  if (key < 0) throw reader.malformed('key', 'need Duca, have none')
  reader.skip('key', key + CLIENT_KEY.length)
  const length = readPerLength(reader, 'length')
  return readBlocks(new Reader('GCC_CREATE_REQUEST', reader.bytes('blocks', length)))
}

/** GCC Conference Create Response with the host's blocks. */
export function encodeServerData(data: ServerData): Buffer {
  const blocks = Buffer.concat([
    encodeCore(data),
    encodeNetwork(data),
    // No encryption and level none: TLS is the security.
    block(SC_SECURITY, new Writer(8).u32le(0).u32le(0).finish()),
    ...(data.messageChannel === undefined
      ? []
      : [block(SC_MCS_MSGCHANNEL, new Writer(2).u16le(data.messageChannel).finish())]),
  ])
  const userData = Buffer.concat([
    Buffer.from('14760a01010001c000', 'hex'),
    Buffer.from('McDn'),
    encodePerLength(blocks.length),
    blocks,
  ])
  return Buffer.concat([
    Buffer.from('000500147c0001', 'hex'),
    encodePerLength(userData.length),
    userData,
  ])
}

function readBlocks(reader: Reader): ClientData {
  let core: Pick<ClientData, CoreField> | undefined
  let staticChannels = 0
  let wantsMessageChannel = false
  while (reader.remaining > 0) {
    const type = reader.u16le('blockType')
    const length = reader.u16le('blockLength')
    if (length < BLOCK_HEADER_BYTES) {
      throw reader.malformed('blockLength', `need at least 4, have ${length}`)
    }
    const body = reader.bytes('block', length - BLOCK_HEADER_BYTES)
    if (type === CS_CORE) core = readCore(body)
    if (type === CS_NET) staticChannels = readChannelCount(body)
    if (type === CS_MCS_MSGCHANNEL) wantsMessageChannel = true
  }
  if (core === undefined) throw reader.malformed('core', 'need CS_CORE, have none')
  return { ...core, staticChannels, wantsMessageChannel }
}

type CoreField = 'desktopWidth' | 'desktopHeight' | 'supportsErrorInfo' | 'supportsSkipChannelJoin'

/** TS_UD_CS_CORE, [MS-RDPBCGR] 2.2.1.3.2: everything after the first 128 bytes may be missing. */
function readCore(body: Uint8Array): Pick<ClientData, CoreField> {
  const reader = new Reader('CS_CORE', body)
  if (body.length < MANDATORY_CORE_BYTES) {
    throw reader.malformed('length', `need ${MANDATORY_CORE_BYTES}, have ${body.length}`)
  }
  reader.skip('version', 4)
  const desktopWidth = reader.u16le('desktopWidth')
  const desktopHeight = reader.u16le('desktopHeight')
  let earlyFlags = 0
  if (body.length >= EARLY_CAPABILITY_FLAGS_OFFSET + 2) {
    reader.skip('optional', EARLY_CAPABILITY_FLAGS_OFFSET - reader.offset)
    earlyFlags = reader.u16le('earlyCapabilityFlags')
  }
  return {
    desktopWidth,
    desktopHeight,
    supportsErrorInfo: (earlyFlags & SUPPORT_ERRINFO_PDU) !== 0,
    supportsSkipChannelJoin: (earlyFlags & SUPPORT_SKIP_CHANNELJOIN) !== 0,
  }
}

function readChannelCount(body: Uint8Array): number {
  const reader = new Reader('CS_NET', body)
  const count = reader.u32le('channelCount')
  if (count > MAX_STATIC_CHANNELS) {
    throw reader.malformed('channelCount', `allowed ${MAX_STATIC_CHANNELS}, have ${count}`)
  }
  reader.skip('channelDefArray', count * CHANNEL_DEF_BYTES)
  return count
}

function encodeCore({ clientRequestedProtocols, skipChannelJoin }: ServerData): Buffer {
  const version = 0x0008_0004
  const body = new Writer(4 /* version */ + 4 /* protocols */ + 4 /* early flags */)
    .u32le(version)
    .u32le(clientRequestedProtocols)
    .u32le(skipChannelJoin ? SKIP_CHANNELJOIN_SUPPORTED : 0)
  return block(SC_CORE, body.finish())
}

function encodeNetwork({ ioChannel, staticChannels }: ServerData): Buffer {
  const padding = staticChannels.length % 2 === 0 ? 0 : 2
  const writer = new Writer(2 /* io */ + 2 /* count */ + 2 * staticChannels.length + padding)
    .u16le(ioChannel)
    .u16le(staticChannels.length)
  for (const channel of staticChannels) writer.u16le(channel)
  return block(SC_NET, writer.bytes(new Uint8Array(padding)).finish())
}

function block(type: number, body: Uint8Array): Buffer {
  return new Writer(BLOCK_HEADER_BYTES + body.length)
    .u16le(type)
    .u16le(BLOCK_HEADER_BYTES + body.length)
    .bytes(body)
    .finish()
}

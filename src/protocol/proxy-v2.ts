import ipaddr from 'ipaddr.js'
import { ProtocolError } from '../lib/index.ts'
import { Reader, Writer } from './cursor.ts'

// The PROXY protocol, version 2: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, section 2.2.

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const HEAD_BYTES =
  12 /* signature */ + 1 /* version, command */ + 1 /* family, protocol */ + 2 /* length */
const VERSION = 2
const Command = { local: 0, proxy: 1 } as const
const FamilyAndProtocol = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21 } as const
const ADDRESS_BYTES = { tcp4: 4, tcp6: 16 } as const
const TLV_HEAD_BYTES = 1 /* type */ + 2 /* length */

/** Addresses and a few TLVs; the protocol's own text calls 536 bytes what always arrives in one piece. */
export const MAX_PROXY_HEADER_BYTES = 536

/** One end of a connection; the address is a literal one. */
export interface ProxyEnd {
  address: string
  port: number
}

/** Type and value of one more field; types 0xE0 to 0xEF are free for applications. */
export type ProxyFields = ReadonlyMap<number, Uint8Array>

export interface ProxyHeader {
  /** Bytes of the header; what the connection carries begins behind them. */
  length: number
  /** The client as the balancer saw it; absent when it speaks for itself (LOCAL) or does not know (UNSPEC). */
  source?: ProxyEnd
}

/** A connection that is handed on. */
export interface ProxiedConnection {
  source: ProxyEnd
  /** Who took it from the source. */
  destination: ProxyEnd
  fields?: ProxyFields
}

/**
 * The header in front of a proxied connection; TLVs are skipped, see {@link decodeProxyFields}.
 *
 * @param bytes from the connection's first byte on, any number of them
 * @returns undefined while the header is not whole
 * @throws ProtocolError `ERR_PACKET_MALFORMED`, `ERR_PACKET_TOO_LARGE` as soon as the bytes can't become one
 */
export function decodeProxyV2(bytes: Uint8Array): ProxyHeader | undefined {
  const reader = new Reader('PROXY', bytes)
  const known = Math.min(bytes.length, SIGNATURE.length)
  if (!SIGNATURE.subarray(0, known).equals(bytes.subarray(0, known))) {
    throw reader.malformed('signature', 'is not that of version 2')
  }
  if (bytes.length < HEAD_BYTES) return undefined
  reader.skip('signature', SIGNATURE.length)
  const command = readCommand(reader)
  const familyAndProtocol = reader.u8('familyAndProtocol')
  const length = HEAD_BYTES + reader.u16be('length')
  if (length > MAX_PROXY_HEADER_BYTES) {
    const message = `at most ${MAX_PROXY_HEADER_BYTES} bytes with the head, have ${length}`
    throw new ProtocolError('ERR_PACKET_TOO_LARGE', 'PROXY', 'length', message)
  }
  if (bytes.length < length) return undefined
  // What LOCAL says about addresses is to be ignored, whatever it is.
  if (command === Command.local) return { length }
  const body = new Reader('PROXY', bytes.subarray(HEAD_BYTES, length))
  switch (familyAndProtocol) {
    case FamilyAndProtocol.unspecified:
      return { length }
    case FamilyAndProtocol.tcp4:
      return { length, source: readSource(body, ADDRESS_BYTES.tcp4) }
    case FamilyAndProtocol.tcp6:
      return { length, source: readSource(body, ADDRESS_BYTES.tcp6) }
    default:
      throw body.malformed('familyAndProtocol', `0x${familyAndProtocol.toString(16)} is not TCP`)
  }
}

/**
 * The TLVs behind the addresses of a header that {@link decodeProxyV2} has read.
 *
 * @param header its bytes, whole
 * @returns of several of one type the last; none where the header names no addresses
 * @throws ProtocolError `ERR_PACKET_TRUNCATED` for one that ends beyond the header
 */
export function decodeProxyFields(header: Uint8Array): ProxyFields {
  const fields = new Map<number, Uint8Array>()
  const reader = new Reader('PROXY', header)
  reader.skip('signature', SIGNATURE.length)
  if (readCommand(reader) === Command.local) return fields
  const family = reader.u8('familyAndProtocol')
  if (family === FamilyAndProtocol.unspecified) return fields
  const addressBytes = ADDRESS_BYTES[family === FamilyAndProtocol.tcp4 ? 'tcp4' : 'tcp6']
  reader.skip('addresses', 2 /* length */ + 2 * addressBytes + 2 * 2 /* ports */)
  while (reader.remaining > 0) {
    const type = reader.u8('tlvType')
    fields.set(type, reader.bytes('tlvValue', reader.u16be('tlvLength')))
  }
  return fields
}

/**
 * A header to put in front of a connection.
 *
 * @param connection absent: the sender speaks for itself (LOCAL)
 * @throws RangeError when it would be longer than {@link MAX_PROXY_HEADER_BYTES}
 */
export function encodeProxyV2(connection?: ProxiedConnection): Buffer {
  const addresses = connection && encodeEnds(connection)
  const tlvs = [...(connection?.fields ?? [])].map(([type, value]) =>
    new Writer(TLV_HEAD_BYTES + value.length).u8(type).u16be(value.length).bytes(value).finish(),
  )
  const body = Buffer.concat([addresses?.bytes ?? new Uint8Array(), ...tlvs])
  const length = HEAD_BYTES + body.length
  if (length > MAX_PROXY_HEADER_BYTES) {
    throw new RangeError(`PROXY header: allowed ${MAX_PROXY_HEADER_BYTES} bytes, have ${length}`)
  }
  const command = addresses === undefined ? Command.local : Command.proxy
  return new Writer(length)
    .bytes(SIGNATURE)
    .u8((VERSION << 4) | command)
    .u8(addresses?.familyAndProtocol ?? FamilyAndProtocol.unspecified)
    .u16be(body.length)
    .bytes(body)
    .finish()
}

/** IPv4 when both are, else both as IPv6. */
function encodeEnds({ source, destination }: ProxiedConnection) {
  const pair = [source, destination].map(({ address }) => ipaddr.process(address))
  const isTcp4 = pair.every((address) => address.kind() === 'ipv4')
  const bytes = pair.flatMap((address) =>
    isTcp4 || address instanceof ipaddr.IPv6
      ? address.toByteArray()
      : address.toIPv4MappedAddress().toByteArray(),
  )
  return {
    familyAndProtocol: FamilyAndProtocol[isTcp4 ? 'tcp4' : 'tcp6'],
    bytes: new Writer(bytes.length + 2 * 2 /* ports */)
      .bytes(Uint8Array.from(bytes))
      .u16be(source.port)
      .u16be(destination.port)
      .finish(),
  }
}

function readCommand(reader: Reader): number {
  const versionAndCommand = reader.u8('versionAndCommand')
  const version = versionAndCommand >> 4
  const command = versionAndCommand & 0x0f
  if (version !== VERSION) throw reader.malformed('version', `need ${VERSION}, have ${version}`)
  if (command !== Command.local && command !== Command.proxy) {
    throw reader.malformed('command', `${command} is neither LOCAL nor PROXY`)
  }
  return command
}

/** @throws ProtocolError when the length leaves no room for both ends */
function readSource(body: Reader, size: number): { address: string; port: number } {
  if (body.remaining < 2 * size + 2 * 2 /* ports */) {
    throw body.malformed('length', `${body.remaining} bytes hold no two addresses of ${size}`)
  }
  const address = ipaddr.fromByteArray([...body.bytes('sourceAddress', size)]).toString()
  body.skip('destinationAddress', size)
  return { address, port: body.u16be('sourcePort') }
}

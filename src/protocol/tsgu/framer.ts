import { ProtocolError } from '../../lib/index.ts'
import {
  HEADER_BYTES,
  isPacketType,
  MAX_DATA_PACKET_BYTES,
  MAX_PACKET_BYTES,
  type Packet,
} from './packet.ts'

/** Types 0x0E, 0x0F and above 0x11 are unassigned: a few are skipped, as a newer peer might send them. */
const MAX_UNKNOWN_PACKETS = 16

/**
 * Cuts the peer's byte stream into packets by their own length ([MS-TSGU] 2.2.10.9), however the
 * transport has split or joined them. A length is judged as soon as it is there, before its body is
 * waited for.
 *
 * INVARIANT: at most one packet is held, in a buffer of its own length.
 */
export class PacketFramer {
  readonly #header = Buffer.alloc(HEADER_BYTES)
  /** The packet being read: its header while `#wanted` is 8, then all of it. */
  #packet: Buffer = this.#header
  #filled = 0
  #wanted = HEADER_BYTES
  #unknown = 0;

  /**
   * @throws ProtocolError `ERR_PACKET_MALFORMED`, `ERR_PACKET_TOO_LARGE` for a length out of its type's
   *   bounds, `ERR_PACKET_UNEXPECTED` for the 17th packet of an unknown type
   */
  *push(bytes: Uint8Array): Generator<Packet, void, undefined> {
    let offset = 0
    while (offset < bytes.length) {
      // The common case: a whole packet lies in these bytes and needs no copy.
      if (this.#filled === 0 && bytes.length - offset >= HEADER_BYTES) {
        const packetLength = checkedLength(bytes, offset)
        if (bytes.length - offset >= packetLength) {
          const packet = this.#cut(bytes.subarray(offset, offset + packetLength))
          offset += packetLength
          if (packet !== undefined) yield packet
          continue
        }
      }
      offset += this.#fill(bytes, offset)
      const packet = this.#complete()
      if (packet !== undefined) yield packet
    }
  }

  /** @returns how many bytes were taken */
  #fill(bytes: Uint8Array, offset: number): number {
    const taken = Math.min(this.#wanted - this.#filled, bytes.length - offset)
    this.#packet.set(bytes.subarray(offset, offset + taken), this.#filled)
    this.#filled += taken
    return taken
  }

  #complete(): Packet | undefined {
    if (this.#filled < this.#wanted) return undefined
    if (this.#packet === this.#header) {
      const packetLength = checkedLength(this.#header, 0)
      if (packetLength > HEADER_BYTES) {
        this.#packet = Buffer.alloc(packetLength)
        this.#packet.set(this.#header)
        this.#wanted = packetLength
        return undefined
      }
    }
    const whole = this.#packet === this.#header ? Buffer.from(this.#header) : this.#packet
    this.#packet = this.#header
    this.#filled = 0
    this.#wanted = HEADER_BYTES
    return this.#cut(whole)
  }

  #cut(packet: Uint8Array): Packet | undefined {
    const type = typeAt(packet, 0)
    if (isPacketType(type)) return { type, body: packet.subarray(HEADER_BYTES) }
    this.#unknown += 1
    if (this.#unknown <= MAX_UNKNOWN_PACKETS) return undefined
    throw new ProtocolError(
      'ERR_PACKET_UNEXPECTED',
      'HTTP_PACKET',
      'packetType',
      `${this.#unknown} packets of unknown type, at most ${MAX_UNKNOWN_PACKETS}`,
    )
  }
}

function typeAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8)
}

function checkedLength(bytes: Uint8Array, offset: number): number {
  const packetLength = new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(4, true)
  const type = typeAt(bytes, offset)
  const maximum = isPacketType(type) ? MAX_PACKET_BYTES[type] : MAX_DATA_PACKET_BYTES
  if (packetLength >= HEADER_BYTES && packetLength <= maximum) return packetLength
  throw new ProtocolError(
    packetLength < HEADER_BYTES ? 'ERR_PACKET_MALFORMED' : 'ERR_PACKET_TOO_LARGE',
    'HTTP_PACKET',
    'packetLength',
    `${packetLength}, need ${HEADER_BYTES} to ${maximum} for type ${type}`,
  )
}

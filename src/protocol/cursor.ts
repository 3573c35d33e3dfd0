import { ProtocolError } from '../lib/index.ts'

/**
 * Reads fields from bytes, front to back, and never past their end.
 * `packet` names the structure in errors; every read names its field.
 */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #packet: string
  #offset = 0

  constructor(packet: string, bytes: Uint8Array) {
    this.#packet = packet
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#take(field, 1))
  }

  u16le(field: string): number {
    return this.#view.getUint16(this.#take(field, 2), true)
  }

  u16be(field: string): number {
    return this.#view.getUint16(this.#take(field, 2))
  }

  u32le(field: string): number {
    return this.#view.getUint32(this.#take(field, 4), true)
  }

  u32be(field: string): number {
    return this.#view.getUint32(this.#take(field, 4))
  }

  u64le(field: string): bigint {
    return this.#view.getBigUint64(this.#take(field, 8), true)
  }

  /** A view, not a copy: copy it when it outlives the chunk it came from. */
  bytes(field: string, length: number): Uint8Array {
    const start = this.#take(field, length)
    return this.#bytes.subarray(start, start + length)
  }

  skip(field: string, length: number): void {
    this.#take(field, length)
  }

  /** A ProtocolError `ERR_PACKET_MALFORMED` that names this structure; the caller throws it. */
  malformed(field: string, message: string): ProtocolError {
    return new ProtocolError('ERR_PACKET_MALFORMED', this.#packet, field, message)
  }

  #take(field: string, length: number): number {
    if (length > this.remaining) {
      throw new ProtocolError(
        'ERR_PACKET_TRUNCATED',
        this.#packet,
        field,
        `need ${length} bytes, have ${this.remaining}`,
      )
    }
    const start = this.#offset
    this.#offset += length
    return start
  }
}

/** Writes fields into a buffer of known size; writing past it, or not filling it, is our bug and throws. */
export class Writer {
  readonly #bytes: Buffer
  #offset = 0

  /** @param size sum of all fields in bytes */
  constructor(size: number) {
    this.#bytes = Buffer.alloc(size)
  }

  u8(value: number): this {
    this.#offset = this.#bytes.writeUInt8(value, this.#offset)
    return this
  }

  u16le(value: number): this {
    this.#offset = this.#bytes.writeUInt16LE(value, this.#offset)
    return this
  }

  u16be(value: number): this {
    this.#offset = this.#bytes.writeUInt16BE(value, this.#offset)
    return this
  }

  u32le(value: number): this {
    this.#offset = this.#bytes.writeUInt32LE(value >>> 0, this.#offset)
    return this
  }

  u32be(value: number): this {
    this.#offset = this.#bytes.writeUInt32BE(value >>> 0, this.#offset)
    return this
  }

  u64le(value: bigint): this {
    this.#offset = this.#bytes.writeBigUInt64LE(value, this.#offset)
    return this
  }

  bytes(value: Uint8Array): this {
    if (this.#offset + value.length > this.#bytes.length) {
      throw new RangeError(`writer of ${this.#bytes.length} bytes cannot take ${value.length} more`)
    }
    this.#bytes.set(value, this.#offset)
    this.#offset += value.length
    return this
  }

  /** @returns the buffer, completely written */
  finish(): Buffer {
    if (this.#offset !== this.#bytes.length) {
      throw new RangeError(`writer of ${this.#bytes.length} bytes holds only ${this.#offset}`)
    }
    return this.#bytes
  }
}

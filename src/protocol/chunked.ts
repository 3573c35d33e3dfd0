import { ProtocolError } from '../lib/index.ts'

/** The largest packet has 65,545 bytes; proxies may join a few. */
export const MAX_CHUNK_BYTES = 128 * 1024
/** Size, extension and CR LF of one chunk. */
const MAX_SIZE_LINE_BYTES = 256
const MAX_TRAILER_BYTES = 4 * 1024

const CR = 0x0d
const LF = 0x0a

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done'

/**
 * Decodes a chunked body (RFC 9112 section 7.1) as a byte stream: chunk borders mean nothing to us, since
 * clients and proxies cut packets anywhere.
 */
export class ChunkedDecoder {
  #state: State = 'size'
  /** The line being read, and the length of all trailer lines. */
  #line = ''
  #trailerBytes = 0
  /** Data bytes left in this chunk. */
  #left = 0

  /** The last chunk and its trailer have come: the body is over. */
  get finished(): boolean {
    return this.#state === 'done'
  }

  /**
   * @returns the data in these bytes, as views of them; bytes after the end of the body are dropped
   * @throws ProtocolError `ERR_HTTP_MALFORMED`, `ERR_HTTP_TOO_LARGE` before any memory is taken
   */
  *push(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    let offset = 0
    while (offset < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, offset + this.#left)
        const data = bytes.subarray(offset, end)
        this.#left -= data.length
        offset = end
        if (this.#left === 0) this.#state = 'data-end'
        yield data
      } else {
        this.#readByte(bytes[offset] ?? 0)
        offset += 1
      }
    }
  }

  #readByte(byte: number): void {
    if (byte === LF) {
      if (!this.#line.endsWith('\r')) throw malformed('line', 'LF without CR')
      const line = this.#line.slice(0, -1)
      this.#line = ''
      this.#endLine(line)
      return
    }
    if (this.#line.endsWith('\r')) throw malformed('line', 'CR without LF')
    if (this.#state === 'data-end' && byte !== CR) throw malformed('data', 'no CR LF behind it')
    if (this.#line.length >= MAX_SIZE_LINE_BYTES) {
      throw tooLarge('line', `over ${MAX_SIZE_LINE_BYTES} bytes`)
    }
    this.#line += String.fromCharCode(byte)
  }

  #endLine(line: string): void {
    switch (this.#state) {
      case 'size':
        this.#left = sizeOf(line)
        this.#state = this.#left === 0 ? 'trailer' : 'data'
        return
      case 'data-end':
        this.#state = 'size'
        return
      default:
        if (line === '') this.#state = 'done'
        this.#trailerBytes += line.length
        if (this.#trailerBytes > MAX_TRAILER_BYTES) {
          throw tooLarge('trailer', `over ${MAX_TRAILER_BYTES} bytes`)
        }
    }
  }
}

/** `size;extension`: hex digits of either case; leading zeros count as digits. */
function sizeOf(line: string): number {
  const match = /^([0-9a-fA-F]{1,16})[ \t]*(?:;.*)?$/.exec(line)
  if (match === null) throw malformed('size', 'not 1 to 16 hex digits')
  const size = Number.parseInt(match[1] ?? '', 16)
  if (size > MAX_CHUNK_BYTES) throw tooLarge('size', `${size}, at most ${MAX_CHUNK_BYTES}`)
  return size
}

function malformed(field: string, message: string): ProtocolError {
  return new ProtocolError('ERR_HTTP_MALFORMED', 'chunk', field, message)
}

function tooLarge(field: string, message: string): ProtocolError {
  return new ProtocolError('ERR_HTTP_TOO_LARGE', 'chunk', field, message)
}

/** One chunk around these bytes, which must not be empty: an empty chunk would end the body. */
export function encodeChunk(data: Uint8Array): Buffer {
  if (data.length === 0) throw new RangeError('chunk: no data')
  const size = Buffer.from(`${data.length.toString(16)}\r\n`, 'latin1')
  return Buffer.concat([size, data, Buffer.from('\r\n', 'latin1')])
}

import { isUtf8 } from 'node:buffer'
import { ProtocolError } from '../../lib/index.ts'
import { applyMask, MASK_BYTES } from '../../protocol/index.ts'
import { CloseCode, FIN, LENGTH_16, Opcode } from './websocket-frames.ts'

/** The largest packet is 65,545 bytes; clients send one for each message, proxies may join a few. */
const MAX_MESSAGE_BYTES = 256 * 1024
/** Frames of one message. Nothing of them is held, but an endless message is no client's. */
const MAX_FRAGMENTS = 1_024

const RESERVED = 0x70
const OPCODE = 0x0f
const CONTROL = 0x8
const MASKED = 0x80
const LENGTH = 0x7f
/** RFC 6455 section 5.5: what a control frame may carry. */
const MAX_CONTROL_BYTES = 125
const START_BYTES = 2
const NOTHING = Buffer.alloc(0)
const MAX_HEADER_BYTES = START_BYTES + 8 /* length */ + MASK_BYTES

export interface FrameHandlers {
  /** Payload of binary messages, piece by piece as it comes, in the memory that was read. */
  onBinary(data: Buffer): void
  onPing(data: Buffer): void
  /** A CLOSE frame; nothing follows. */
  onClose(): void
  /** The peer broke the protocol; answer with this close code. Nothing follows. */
  onError(error: ProtocolError, closeCode: number): void
}

/**
 * Takes the client's bytes, split anywhere, and overwrites them: payload is unmasked where it lies and
 * handed on as views, before its frame is whole. Borders of frames and messages mean nothing to the
 * stream of packets in them, so nothing but a header and a control frame is ever held.
 */
export function createFrameReader(handlers: FrameHandlers): (bytes: Buffer) => void {
  const reader = new FrameReader(handlers)
  return (bytes) => reader.read(bytes)
}

/**
 * RFC 6455 section 5, strictly, for the side of the server.
 *
 * INVARIANT: `#left` is 0 while a header is read, and what is left of the payload otherwise.
 */
class FrameReader {
  readonly #handlers: FrameHandlers
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES)
  #headerFilled = 0
  #headerBytes = START_BYTES
  readonly #mask = Buffer.alloc(MASK_BYTES)
  #opcode: number = Opcode.binary
  #final = true
  #left = 0
  /** Bytes of this frame's payload that have come. */
  #position = 0
  /** Payload of a control frame so far. */
  #control = NOTHING
  /** Frames and bytes of the message so far; none between messages. */
  #fragments = 0
  #messageBytes = 0
  #over = false

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers
  }

  read(bytes: Buffer): void {
    let offset = 0
    try {
      while (offset < bytes.length && !this.#over) {
        offset +=
          this.#left > 0 ? this.#takePayload(bytes, offset) : this.#takeHeader(bytes, offset)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#over = true
      this.#handlers.onError(error, error.closeCode)
    }
  }

  /** @returns how many bytes were taken */
  #takeHeader(bytes: Buffer, offset: number): number {
    const taken = Math.min(this.#headerBytes - this.#headerFilled, bytes.length - offset)
    bytes.copy(this.#header, this.#headerFilled, offset, offset + taken)
    this.#headerFilled += taken
    if (this.#headerFilled < this.#headerBytes) return taken
    if (this.#headerFilled === START_BYTES) this.#checkStart()
    else this.#startPayload()
    return taken
  }

  /** Judges a frame by its first two bytes, before more is waited for. */
  #checkStart(): void {
    const first = this.#header[0] ?? 0
    const second = this.#header[1] ?? 0
    const length = second & LENGTH
    this.#final = (first & FIN) !== 0
    this.#opcode = first & OPCODE
    if ((first & RESERVED) !== 0) throw new FrameError('reserved', 'bits are set')
    this.#checkOpcode(length)
    if ((second & MASKED) === 0) throw new FrameError('mask', 'a client must mask')
    if (this.#opcode === Opcode.text) {
      throw new FrameError('opcode', 'text is not accepted', CloseCode.unsupportedData)
    }
    this.#headerBytes = START_BYTES + lengthBytes(length) + MASK_BYTES
  }

  #checkOpcode(length: number): void {
    switch (this.#opcode) {
      case Opcode.continuation:
        if (this.#fragments > 0) return
        throw new FrameError('opcode', 'a continuation of nothing')
      case Opcode.text:
      case Opcode.binary:
        if (this.#fragments === 0) return
        throw new FrameError('opcode', 'a new message inside of another')
      case Opcode.close:
      case Opcode.ping:
      case Opcode.pong:
        if (!this.#final) throw new FrameError('fin', 'a control frame in fragments')
        if (length <= MAX_CONTROL_BYTES) return
        throw new FrameError('length', `a control frame over ${MAX_CONTROL_BYTES} bytes`)
      default:
        throw new FrameError('opcode', `${this.#opcode} is reserved`)
    }
  }

  #startPayload(): void {
    const length = lengthIn(this.#header)
    if (this.#isControl) this.#control = NOTHING
    else this.#count(length)
    this.#header.copy(this.#mask, 0, this.#headerBytes - MASK_BYTES, this.#headerBytes)
    this.#headerFilled = 0
    this.#headerBytes = START_BYTES
    this.#position = 0
    this.#left = length
    if (length === 0) this.#endFrame()
  }

  #count(length: number): void {
    this.#fragments += 1
    this.#messageBytes += length
    if (this.#messageBytes > MAX_MESSAGE_BYTES) {
      const message = `a message over ${MAX_MESSAGE_BYTES} bytes`
      throw new FrameError('length', message, CloseCode.tooBig)
    }
    if (this.#fragments > MAX_FRAGMENTS) {
      throw new FrameError('fin', `a message of more than ${MAX_FRAGMENTS} frames`)
    }
  }

  /** @returns how many bytes were taken */
  #takePayload(bytes: Buffer, offset: number): number {
    const data = bytes.subarray(offset, offset + this.#left)
    applyMask(data, this.#mask, this.#position)
    this.#position += data.length
    this.#left -= data.length
    if (this.#isControl) this.#control = Buffer.concat([this.#control, data])
    else this.#handlers.onBinary(data)
    if (this.#left === 0) this.#endFrame()
    return data.length
  }

  #endFrame(): void {
    if (this.#opcode === Opcode.ping) {
      this.#handlers.onPing(this.#control)
    } else if (this.#opcode === Opcode.close) {
      checkClose(this.#control)
      this.#over = true
      this.#handlers.onClose()
    } else if (this.#opcode !== Opcode.pong && this.#final) {
      this.#fragments = 0
      this.#messageBytes = 0
    }
  }

  get #isControl(): boolean {
    return (this.#opcode & CONTROL) !== 0
  }
}

class FrameError extends ProtocolError {
  readonly closeCode: number

  constructor(field: string, message: string, closeCode: number = CloseCode.protocolError) {
    super('ERR_PACKET_MALFORMED', 'WebSocket frame', field, message)
    this.closeCode = closeCode
  }
}

/** Bytes that a length of this value announces behind it, RFC 6455 section 5.2. */
function lengthBytes(length: number): number {
  if (length < LENGTH_16) return 0
  return length === LENGTH_16 ? 2 : 8
}

function lengthIn(header: Buffer): number {
  const length = (header[1] ?? 0) & LENGTH
  if (length < LENGTH_16) return length
  if (length === LENGTH_16) return header.readUInt16BE(START_BYTES)
  // Inexact past 2^53, which is far over any limit.
  return Number(header.readBigUInt64BE(START_BYTES))
}

/** RFC 6455 section 5.5.1 and 7.4: empty, or a code that may be sent and a reason in UTF-8. */
function checkClose(payload: Buffer): void {
  if (payload.length === 0) return
  const code = payload.length === 1 ? 0 : payload.readUInt16BE()
  if (!mayBeSent(code)) throw new FrameError('close', `code ${code} may not be sent`)
  if (!isUtf8(payload.subarray(2))) throw new FrameError('close', 'the reason is no UTF-8')
}

function mayBeSent(code: number): boolean {
  if (code >= 3000) return code <= 4999
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)
}

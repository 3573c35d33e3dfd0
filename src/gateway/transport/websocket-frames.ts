import * as ws from 'ws'
import { errorText, ProtocolError } from '../../lib/index.ts'
import { FRAME_HEADROOM_BYTES } from './packet-transport.ts'

/**
 * WebSocket framing, RFC 6455 section 5, for the side of the server. `ws` reads frames: masks,
 * fragments, limits, control frames. We write them ourselves, since a server's header is two or four
 * bytes that belong in front of the packet, in the same write.
 */

/** RFC 6455 section 7.4.1. */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  tooBig: 1009,
} as const

const Opcode = { binary: 0x2, close: 0x8, pong: 0xa } as const
const FIN = 0x80
/** RFC 6455 section 5.2: a length of 126 says that 16 bits of length follow. */
const LENGTH_16 = 126
const MAX_LENGTH = 0xffff

/** The largest packet is 65,545 bytes; clients send one for each message, proxies may join a few. */
const MAX_MESSAGE_BYTES = 256 * 1024
/** Pieces of one message, and of one frame: both are held until they are whole. */
const MAX_FRAGMENTS = 1_024
const MAX_CHUNKS = 4_096

/** What `@types/ws` leaves out: the class is exported by the package and described in its source. */
interface Receiver {
  readonly writable: boolean
  write(bytes: Buffer): boolean
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this
  on(event: 'ping', listener: (data: Buffer) => void): this
  on(event: 'conclude', listener: (code: number) => void): this
  on(event: 'error', listener: (error: Error & { code?: string }) => void): this
}
type ReceiverConstructor = new (options: {
  isServer: boolean
  maxPayload: number
  maxFragments: number
  maxBufferedChunks: number
}) => Receiver
// See above: the cast adds a declaration that is missing, it changes none.
const { Receiver } = ws as unknown as { Receiver: ReceiverConstructor }

export interface FrameHandlers {
  onBinary(data: Buffer): void
  onPing(data: Buffer): void
  /** A CLOSE frame; nothing follows. */
  onClose(): void
  /** The peer broke the protocol; answer with this close code. Nothing follows. */
  onError(error: ProtocolError, closeCode: number): void
}

/** Takes the client's bytes, split anywhere; gives the payloads of its messages. */
export function createFrameReader(handlers: FrameHandlers): (bytes: Buffer) => void {
  const receiver = new Receiver({
    isServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_CHUNKS,
  })
  let failed = false
  const fail = (field: string, message: string, closeCode: number): void => {
    if (failed) return
    failed = true
    handlers.onError(
      new ProtocolError('ERR_PACKET_MALFORMED', 'WebSocket frame', field, message),
      closeCode,
    )
  }
  receiver.on('message', (data, isBinary) => {
    if (failed) return
    if (isBinary) handlers.onBinary(data)
    else fail('opcode', 'text is not accepted', CloseCode.unsupportedData)
  })
  receiver.on('ping', (data) => handlers.onPing(data))
  receiver.on('conclude', () => handlers.onClose())
  receiver.on('error', (error) => {
    const tooBig = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
    fail('header', errorText(error), tooBig ? CloseCode.tooBig : CloseCode.protocolError)
  })
  return (bytes) => {
    if (!failed && receiver.writable) receiver.write(bytes)
  }
}

/** A packet as one unfragmented binary message. */
export function encodeBinaryFrame(packet: Uint8Array): Buffer {
  return encodeFrame(Opcode.binary, packet)
}

export function encodePongFrame(data: Uint8Array): Buffer {
  return encodeFrame(Opcode.pong, data)
}

export function encodeCloseFrame(code: number): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return encodeFrame(Opcode.close, payload)
}

/**
 * Writes the header of a binary message in front of the packet at `buffer[start, end)`.
 *
 * @returns where the frame begins: `FRAME_HEADROOM_BYTES` before `start` at most
 */
export function writeBinaryHeader(buffer: Buffer, start: number, end: number): number {
  const length = end - start
  const begin = start - headerBytes(length)
  writeHeader(buffer, begin, Opcode.binary, length)
  return begin
}

function encodeFrame(opcode: number, payload: Uint8Array): Buffer {
  const offset = headerBytes(payload.length)
  const frame = Buffer.alloc(offset + payload.length)
  writeHeader(frame, 0, opcode, payload.length)
  frame.set(payload, offset)
  return frame
}

function headerBytes(length: number): number {
  if (length > MAX_LENGTH) throw new RangeError(`frame of ${length} bytes: may have ${MAX_LENGTH}`)
  return length < LENGTH_16 ? 2 : FRAME_HEADROOM_BYTES
}

function writeHeader(buffer: Buffer, offset: number, opcode: number, length: number): void {
  buffer[offset] = FIN | opcode
  if (length < LENGTH_16) {
    buffer[offset + 1] = length
  } else {
    buffer[offset + 1] = LENGTH_16
    buffer.writeUInt16BE(length, offset + 2)
  }
}

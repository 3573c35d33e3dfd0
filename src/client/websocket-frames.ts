import { randomBytes } from 'node:crypto'
import * as ws from 'ws'
import { type BrokerError, errorText, ProtocolError } from '../lib/index.ts'
import { applyMask, MASK_BYTES } from '../protocol/index.ts'

/**
 * WebSocket framing, RFC 6455 section 5, for the side of the client. `ws` reads the gateway's frames, we
 * write our own: masked, one message for each packet.
 */

const Opcode = { binary: 0x2, close: 0x8, pong: 0xa } as const
const FIN = 0x80
const MASK = 0x80
/** RFC 6455 section 5.2: a length of 126 says that 16 bits of length follow, 127 that 64 do. */
const LENGTH_16 = 126
const LENGTH_64 = 127

/** A gateway sends one packet of at most 65,545 bytes in a message; some join a few. */
const MAX_MESSAGE_BYTES = 256 * 1024

/** What `@types/ws` leaves out: the class is exported by the package and described in its source. */
interface Receiver {
  readonly writable: boolean
  write(bytes: Buffer): boolean
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this
  on(event: 'ping', listener: (data: Buffer) => void): this
  on(event: 'conclude', listener: () => void): this
  on(event: 'error', listener: (error: Error) => void): this
}
type ReceiverConstructor = new (options: { isServer: boolean; maxPayload: number }) => Receiver
// See above: the cast adds a declaration that is missing, it changes none.
const { Receiver } = ws as unknown as { Receiver: ReceiverConstructor }

export interface FrameHandlers {
  onBinary(data: Buffer): void
  onPing(data: Buffer): void
  /** A CLOSE frame, or bytes that break the protocol; nothing follows. */
  onEnd(reason: BrokerError | undefined): void
}

/** Takes the gateway's bytes, split anywhere; gives the payloads of its messages. */
export function createFrameReader({ onBinary, onPing, onEnd }: FrameHandlers) {
  const receiver = new Receiver({ isServer: false, maxPayload: MAX_MESSAGE_BYTES })
  const fail = (message: string): void =>
    onEnd(new ProtocolError('ERR_PACKET_MALFORMED', 'WebSocket', 'frame', message))
  receiver.on('message', (data, isBinary) => {
    if (isBinary) onBinary(data)
    else fail('need binary, have text')
  })
  receiver.on('ping', onPing)
  receiver.on('conclude', () => onEnd(undefined))
  receiver.on('error', (error) => fail(errorText(error)))
  return (bytes: Buffer): void => {
    if (receiver.writable) receiver.write(bytes)
  }
}

export function encodeBinaryFrame(packet: Uint8Array): Buffer {
  return encodeFrame(Opcode.binary, packet)
}

export function encodePongFrame(data: Uint8Array): Buffer {
  return encodeFrame(Opcode.pong, data)
}

/** @param code RFC 6455 section 7.4.1; 1000 is a normal end */
export function encodeCloseFrame(code: number): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return encodeFrame(Opcode.close, payload)
}

function encodeFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload
  const lengthBytes = length < LENGTH_16 ? 0 : length <= 0xffff ? 2 : 8
  const start = 2 + lengthBytes + MASK_BYTES
  // Every byte is written below.
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = FIN | opcode
  if (lengthBytes === 0) {
    frame[1] = MASK | length
  } else if (lengthBytes === 2) {
    frame[1] = MASK | LENGTH_16
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = MASK | LENGTH_64
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  const mask = randomBytes(MASK_BYTES)
  frame.set(mask, start - MASK_BYTES)
  frame.set(payload, start)
  applyMask(frame.subarray(start), mask)
  return frame
}

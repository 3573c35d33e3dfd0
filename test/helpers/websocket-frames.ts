import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { RawTls } from './raw-tls.ts'

export interface ClientFrame {
  payload?: Uint8Array
  opcode?: number
  fin?: boolean
  /** Reserved bits, in place. */
  reserved?: number
  masked?: boolean
}

/** A frame of a client, right or wrong. */
export function clientFrame(frame: ClientFrame): Buffer {
  const { payload = new Uint8Array(), opcode = 2, fin = true, reserved = 0, masked = true } = frame
  const maskBit = masked ? 0x80 : 0
  const mask = masked ? randomBytes(4) : Buffer.alloc(0)
  const length =
    payload.length < 126
      ? Buffer.of(maskBit | payload.length)
      : payload.length <= 0xffff
        ? Buffer.of(maskBit | 126, payload.length >> 8, payload.length & 0xff)
        : Buffer.of(
            maskBit | 127,
            0,
            0,
            0,
            0,
            0,
            payload.length >> 16,
            (payload.length >> 8) & 0xff,
            payload.length & 0xff,
          )
  const body = masked
    ? Buffer.from(payload).map((byte, index) => byte ^ (mask[index % 4] ?? 0))
    : payload
  return Buffer.concat([Buffer.of((fin ? 0x80 : 0) | reserved | opcode), length, mask, body])
}

export interface ServerFrame {
  /** FIN, reserved bits and opcode. */
  first: number
  payload: Buffer
}

/** A frame of the server, which must not be masked. */
export async function readFrame(connection: RawTls): Promise<ServerFrame> {
  const [first = 0, second = 0] = await connection.read(2)
  expect(second & 0x80).toBe(0)
  const length = second < 126 ? second : (await connection.read(2)).readUInt16BE(0)
  expect(second).not.toBe(127)
  return { first, payload: await connection.read(length) }
}

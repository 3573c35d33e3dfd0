import { expect } from 'vitest'
import type { Secret } from '../../src/lib/index.ts'
import {
  encodeChannelCreate,
  encodeConnectionRequest,
  encodeHandshakeRequest,
  encodeTunnelAuth,
  encodeTunnelCreate,
} from '../../src/protocol/index.ts'
import { hex } from '../helpers/hex.ts'
import type { Wire } from './wire.ts'

/** Requests of a client that does everything right, as FreeRDP does it. */
export const HANDSHAKE = encodeHandshakeRequest({
  verMajor: 1,
  verMinor: 0,
  clientVersion: 0,
  extendedAuth: 2,
})
export const TUNNEL_AUTH = encodeTunnelAuth({ clientName: 'RDG-Client1' })
/** The first bytes of RDP, without which a node forwards nothing. */
export const X224_REQUEST = encodeConnectionRequest({
  cookie: 'Cookie: mstshash=alice',
  negotiation: { flags: 0, requestedProtocols: 1 },
})

/** @param capsFlags as FreeRDP offers them */
export function tunnelCreate(token: Secret, capsFlags = 0x0d): Buffer {
  return encodeTunnelCreate({ capsFlags, paaCookie: token })
}

export function channelCreate(port: number, ...names: string[]): Buffer {
  const resources = names.length === 0 ? ['127.0.0.1'] : names
  return encodeChannelCreate({ resources, altResources: [], port, protocol: 3 })
}

/** What is sent for success, byte for byte. */
export const HANDSHAKE_RESPONSE = hex('02000000 12000000 00000000 01 00 0000 0200')
export const CHANNEL_RESPONSE = hex('09000000 14000000 00000000 0100 0000 01000000')
export const KEEPALIVE = hex('0d000000 08000000')

/** A refusal of each step with this code, byte for byte. */
export const refusal = {
  handshake: (code: number) => packet(0x02, u32(code), hex('01 00 0000 0000')),
  extendedAuth: (code: number) => packet(0x03, u32(code), hex('0000')),
  tunnel: (code: number) => packet(0x05, hex('0000'), u32(code), hex('0000 0000')),
  authorization: (code: number) => packet(0x07, u32(code), hex('0000 0000')),
  channel: (code: number) => packet(0x09, u32(code), hex('0000 0000')),
  close: (code: number) => packet(0x10, u32(code)),
}

export const CLOSE_CHANNEL_RESPONSE = hex('11000000 0c000000 00000000')

export function packet(type: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const header = Buffer.alloc(8)
  header.writeUInt16LE(type, 0)
  header.writeUInt32LE(8 + body.length, 4)
  return Buffer.concat([header, body])
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

/** How far a client has come. */
export type State = 'handshaken' | 'tunnel' | 'authorized' | 'channel'
const STATES: readonly State[] = ['handshaken', 'tunnel', 'authorized', 'channel']

/** Goes on until the state is reached; every answer must be success. */
export async function reach(
  wire: Wire,
  state: State,
  { token, port = 0, capsFlags }: { token?: Secret; port?: number; capsFlags?: number } = {},
): Promise<void> {
  const wanted = STATES.indexOf(state)
  wire.send(HANDSHAKE)
  expect(await wire.receive()).toEqual(HANDSHAKE_RESPONSE)
  if (wanted < 1 || token === undefined) return
  wire.send(tunnelCreate(token, capsFlags))
  const tunnel = await wire.receive()
  expect([tunnel.readUInt16LE(0), tunnel.readUInt32LE(10)]).toEqual([0x05, 0])
  if (wanted < 2) return
  wire.send(TUNNEL_AUTH)
  const authorization = await wire.receive()
  expect([authorization.readUInt16LE(0), authorization.readUInt32LE(8)]).toEqual([0x07, 0])
  if (wanted < 3) return
  wire.send(channelCreate(port))
  expect(await wire.receive()).toEqual(CHANNEL_RESPONSE)
}

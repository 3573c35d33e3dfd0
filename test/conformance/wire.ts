import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { encodeChunk, renderHead } from '../../src/protocol/index.ts'
import { RawTls, type RawTlsOptions } from '../helpers/raw-tls.ts'
import { clientFrame, readFrame } from '../helpers/websocket-frames.ts'

export type WireKind = 'websocket' | 'http'
export const WIRE_KINDS: readonly WireKind[] = ['websocket', 'http']

/** The client's end of a tunnel: its packet stream in one direction, whole packets in the other. */
export interface Wire {
  readonly kind: WireKind
  /** The WebSocket, or OUT. */
  readonly out: RawTls
  /** The WebSocket, or IN. */
  readonly in: RawTls
  /** Bytes of the packet stream, in one frame or chunk. */
  send(bytes: Uint8Array): void
  /** The next packet, header and all. */
  receive(): Promise<Buffer>
  /** Nothing more comes, and the server closes all connections; over WebSocket with this code. */
  expectEnd(closeCode?: number): Promise<void>
  /** Nothing comes for this long, and the connections stay open. */
  expectSilence(milliseconds: number): Promise<void>
}

const HEADER_BYTES = 8

type Field = readonly [name: string, value: string]

export function guid(): string {
  return `{${randomUUID()}}`
}

/** A request to the gateway's path; header order and letter case are those of FreeRDP. */
export function request(method: string, ...fields: Field[]): Buffer {
  return renderHead(`${method} /remoteDesktopGateway/ HTTP/1.1`, [
    ['Cache-Control', 'no-cache'],
    ['Connection', 'Keep-Alive'],
    ['Host', 'localhost'],
    ['RDG-Auth-Scheme', 'PAA'],
    ...fields,
  ])
}

/** FreeRDP 2.11's key: 15 characters that are no base64. */
export const WEBSOCKET_KEY = 'ABCDEFGHIJ@[\\]^'

export function upgradeRequest(...fields: Field[]): Buffer {
  return renderHead('RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1', [
    ['Host', 'localhost'],
    ['RDG-Auth-Scheme', 'PAA'],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-Websocket-Version', '13'],
    ['Sec-Websocket-Key', WEBSOCKET_KEY],
    ['Content-Length', '0'],
    ...fields,
  ])
}

export function openWire(kind: WireKind, options: RawTlsOptions): Promise<Wire> {
  return kind === 'websocket' ? openWebSocket(options) : openHttpPair(options)
}

/** @param head the request, FreeRDP's when absent */
export async function openWebSocket(
  options: RawTlsOptions,
  head = upgradeRequest(['RDG-Connection-Id', guid()]),
): Promise<Wire> {
  const connection = await RawTls.open(options)
  connection.write(head)
  expect(await connection.readHead()).toMatch(/^HTTP\/1\.1 101 /)
  return {
    kind: 'websocket',
    out: connection,
    in: connection,
    send: (bytes) => connection.write(clientFrame({ payload: bytes })),
    async receive() {
      const frame = await readFrame(connection)
      // Line by line of the checklist: one packet is one unfragmented binary message.
      expect(frame.first).toBe(0x82)
      expect(frame.payload.readUInt32LE(4)).toBe(frame.payload.length)
      return frame.payload
    },
    async expectEnd(closeCode = 1000) {
      const frame = await readFrame(connection)
      expect(`${frame.first.toString(16)} ${frame.payload.toString('hex')}`).toBe(
        `88 ${closeCode.toString(16).padStart(4, '0')}`,
      )
      expect(await connection.readToEnd()).toHaveLength(0)
    },
    async expectSilence(milliseconds) {
      expect(await connection.readFor(milliseconds)).toHaveLength(0)
    },
  }
}

export async function openHttpPair(options: RawTlsOptions, id = guid()): Promise<Wire> {
  const out = await openOut(options, id)
  const into = await RawTls.open(options)
  into.write(request('RDG_IN_DATA', ['RDG-Connection-Id', id], ['Content-Length', '0']))
  expect(await into.readHead()).toMatch(/^HTTP\/1\.1 200 /)
  into.write(request('RDG_IN_DATA', ['RDG-Connection-Id', id], ['Transfer-Encoding', 'chunked']))
  return httpWire(out, into)
}

/** OUT with its seed read. */
export async function openOut(options: RawTlsOptions, id: string): Promise<RawTls> {
  const out = await RawTls.open(options)
  out.write(request('RDG_OUT_DATA', ['RDG-Connection-Id', id], ['Content-Length', '0']))
  expect(await out.readHead()).toMatch(/^HTTP\/1\.1 200 /)
  await out.read(10)
  return out
}

/** Two connections whose heads are done. */
export function httpWire(out: RawTls, into: RawTls): Wire {
  return {
    kind: 'http',
    out,
    in: into,
    send: (bytes) => into.write(encodeChunk(bytes)),
    async receive() {
      const header = await out.read(HEADER_BYTES)
      return Buffer.concat([header, await out.read(header.readUInt32LE(4) - HEADER_BYTES)])
    },
    async expectEnd() {
      expect(await out.readToEnd()).toHaveLength(0)
      expect(await into.readToEnd()).toHaveLength(0)
    },
    async expectSilence(milliseconds) {
      const silent = await Promise.all([out.readFor(milliseconds), into.readFor(milliseconds)])
      expect(Buffer.concat(silent)).toHaveLength(0)
    },
  }
}

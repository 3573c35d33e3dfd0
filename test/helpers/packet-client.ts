import { randomUUID } from 'node:crypto'
import type { Secret } from '../../src/lib/index.ts'
import {
  encodeChannelCreate,
  encodeChunk,
  encodeHandshakeRequest,
  encodeTunnelAuth,
  encodeTunnelCreate,
  type Packet,
  PacketFramer,
  renderHead,
} from '../../src/protocol/index.ts'
import { RawTls, type RawTlsOptions } from './raw-tls.ts'
import { clientFrame, readFrame } from './websocket-frames.ts'

/** FIN and the opcode of a binary frame. */
const BINARY = 0x82
/** What is waited for may be behind the start of a program, on a busy machine; nothing is measured. */
const WITHIN_MS = 30_000

/** The client's end of a tunnel, for packets. */
export interface TestClient {
  kind: 'websocket' | 'http'
  send(packet: Uint8Array): void
  /** The next packet; undefined at the end of the connection. */
  receive(): Promise<Packet | undefined>
  connections: RawTls[]
}

export function openConnection(options: RawTlsOptions): Promise<RawTls> {
  return RawTls.open({ withinMs: WITHIN_MS, ...options })
}

export async function openWebSocket(
  port: number,
  ca: string,
  localAddress?: string,
): Promise<TestClient> {
  const connection = await openConnection({
    port,
    ca,
    ...(localAddress === undefined ? {} : { localAddress }),
  })
  connection.write(
    renderHead('RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1', [
      ['Host', 'localhost'],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-Websocket-Key', 'QVJ@[\\]^_ABCDEF'],
      ['Sec-Websocket-Version', '13'],
      ['RDG-Connection-Id', `{${randomUUID()}}`],
      ['RDG-Auth-Scheme', 'PAA'],
      ['Content-Length', '0'],
    ]),
  )
  const head = await connection.readHead()
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(head)
  return {
    kind: 'websocket',
    send: (packet) => connection.write(clientFrame({ payload: packet })),
    receive: packetsOf(async () => {
      const { first, payload } = await readFrame(connection)
      return first === BINARY ? payload : undefined
    }),
    connections: [connection],
  }
}

export interface HttpPairOptions {
  localAddress?: string
  /** How IN spells the id that OUT has sent as `{UPPER-CASE}`. */
  spellIn?: (connectionId: string) => string
}

export async function openHttpPair(
  port: number,
  ca: string,
  { spellIn = (id) => id, ...from }: HttpPairOptions = {},
): Promise<TestClient> {
  const id = `{${randomUUID().toUpperCase()}}`
  const request = (method: string, field: [string, string]): Buffer =>
    renderHead(`${method} /remoteDesktopGateway/ HTTP/1.1`, [
      ['Host', 'localhost'],
      ['RDG-Connection-Id', method === 'RDG_IN_DATA' ? spellIn(id) : id],
      ['RDG-Auth-Scheme', 'PAA'],
      field,
    ])
  const out = await openConnection({ port, ca, ...from })
  out.write(request('RDG_OUT_DATA', ['Content-Length', '0']))
  const head = await out.readHead()
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(head)
  await out.read(10)
  const into = await openConnection({ port, ca, ...from })
  into.write(request('RDG_IN_DATA', ['Content-Length', '0']))
  const inHead = await into.readHead()
  if (!inHead.startsWith('HTTP/1.1 200 ')) throw new Error(inHead)
  into.write(request('RDG_IN_DATA', ['Transfer-Encoding', 'chunked']))
  return {
    kind: 'http',
    send: (packet) => into.write(encodeChunk(packet)),
    receive: packetsOf(() => out.readSome()),
    connections: [out, into],
  }
}

/** Requests of a client that does everything right. */
export const requests = {
  handshake: (extendedAuth = 2) =>
    encodeHandshakeRequest({ verMajor: 1, verMinor: 0, clientVersion: 0, extendedAuth }),
  tunnel: (paaCookie: Secret) => encodeTunnelCreate({ capsFlags: 0x0d, paaCookie }),
  authorization: () => encodeTunnelAuth({ clientName: 'test-client' }),
  channel: (port: number, name = '127.0.0.1') =>
    encodeChannelCreate({ resources: [name], altResources: [], port, protocol: 3 }),
}

function packetsOf(read: () => Promise<Buffer | undefined>): () => Promise<Packet | undefined> {
  const framer = new PacketFramer()
  const queue: Packet[] = []
  return async () => {
    while (queue.length === 0) {
      const bytes = await read().catch(() => undefined)
      if (bytes === undefined) return undefined
      queue.push(...framer.push(bytes))
    }
    return queue.shift()
  }
}

import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { type Secret, withDeadline } from '../../../src/lib/index.ts'
import {
  encodeChannelCreate,
  encodeChunk,
  encodeHandshakeRequest,
  encodeTunnelAuth,
  encodeTunnelCreate,
  type Packet,
  PacketFramer,
  renderHead,
} from '../../../src/protocol/index.ts'

const WITHIN_MS = 5_000

/** A TLS connection that reads byte by byte as the test asks. */
export class RawConnection {
  readonly socket: TLSSocket
  /** Resolves when the connection is closed, by whom ever. */
  readonly closed: Promise<void>
  #received = Buffer.alloc(0)
  #ended = false
  #wake = Promise.withResolvers<void>()

  private constructor(socket: TLSSocket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake.resolve()
    })
    socket.on('end', () => {
      this.#ended = true
      this.#wake.resolve()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#wake.resolve()
    })
  }

  /** @param localAddress of 127.0.0.0/8, to be another client */
  static async open(
    port: number,
    ca: string,
    alpn: string[] = [],
    localAddress = '127.0.0.1',
  ): Promise<RawConnection> {
    const options = { host: '127.0.0.1', port, ca, servername: 'localhost', localAddress }
    const socket = connect(alpn.length === 0 ? options : { ...options, ALPNProtocols: alpn })
    const connection = new RawConnection(socket)
    await once(socket, 'secureConnect')
    return connection
  }

  get buffered(): Buffer {
    return this.#received
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  async read(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length, `${length} bytes`)
    return this.#take(length)
  }

  /** Whatever is there, at least one byte. */
  async readSome(): Promise<Buffer> {
    await this.#until(() => this.#received.length > 0, 'a byte')
    return this.#take(this.#received.length)
  }

  /** A response head as text, without its empty line. */
  async readHead(): Promise<string> {
    await this.#until(() => this.#received.includes('\r\n\r\n'), 'a response head')
    return this.#take(this.#received.indexOf('\r\n\r\n') + 4)
      .toString('latin1')
      .trimEnd()
  }

  /** Everything until the peer's end. */
  async readToEnd(): Promise<Buffer> {
    await withDeadline(this.#ended ? Promise.resolve() : this.#end(), WITHIN_MS, 'end')
    return this.#take(this.#received.length)
  }

  async #end(): Promise<void> {
    while (!this.#ended) await this.#next()
  }

  async #until(enough: () => boolean, what: string): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!enough()) {
        if (this.#ended) throw new Error(`end before ${what}; have ${this.#received.length} bytes`)
        await this.#next()
      }
    }
    await withDeadline(wait(), WITHIN_MS, what)
  }

  async #next(): Promise<void> {
    await this.#wake.promise
    this.#wake = Promise.withResolvers()
  }

  #take(length: number): Buffer {
    const bytes = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return bytes
  }
}

/** The client's end of a tunnel, for packets. */
export interface TestClient {
  kind: 'websocket' | 'http'
  send(packet: Uint8Array): void
  /** The next packet; undefined at the end of the connection. */
  receive(): Promise<Packet | undefined>
  connections: RawConnection[]
}

export async function openWebSocket(
  port: number,
  ca: string,
  localAddress?: string,
): Promise<TestClient> {
  const connection = await RawConnection.open(port, ca, [], localAddress)
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
  const packets = packetsOf(async () => {
    const frame = await readFrame(connection)
    return frame?.opcode === 2 ? frame.payload : undefined
  })
  return {
    kind: 'websocket',
    send: (packet) => connection.write(maskedFrame(2, packet)),
    receive: packets,
    connections: [connection],
  }
}

export async function openHttpPair(port: number, ca: string): Promise<TestClient> {
  const fields: [string, string][] = [
    ['Host', 'localhost'],
    ['RDG-Connection-Id', `{${randomUUID().toUpperCase()}}`],
    ['RDG-Auth-Scheme', 'PAA'],
  ]
  const request = (method: string, field: [string, string]): Buffer =>
    renderHead(`${method} /remoteDesktopGateway/ HTTP/1.1`, [...fields, field])
  const out = await RawConnection.open(port, ca)
  out.write(request('RDG_OUT_DATA', ['Content-Length', '0']))
  const head = await out.readHead()
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(head)
  await out.read(10)
  const into = await RawConnection.open(port, ca)
  into.write(request('RDG_IN_DATA', ['Content-Length', '0']))
  const inHead = await into.readHead()
  if (!inHead.startsWith('HTTP/1.1 200 ')) throw new Error(inHead)
  into.write(request('RDG_IN_DATA', ['Transfer-Encoding', 'chunked']))
  return {
    kind: 'http',
    send: (packet) => into.write(encodeChunk(packet)),
    receive: packetsOf(async () => {
      try {
        return await out.readSome()
      } catch {
        return undefined
      }
    }),
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

export function maskedFrame(opcode: number, payload: Uint8Array, fin = true): Buffer {
  const mask = randomBytes(4)
  const length =
    payload.length < 126
      ? Buffer.of(0x80 | payload.length)
      : Buffer.of(0x80 | 126, payload.length >> 8, payload.length & 0xff)
  const masked = Buffer.from(payload).map((byte, index) => byte ^ (mask[index % 4] ?? 0))
  return Buffer.concat([Buffer.of((fin ? 0x80 : 0) | opcode), length, mask, masked])
}

export async function readFrame(
  connection: RawConnection,
): Promise<{ opcode: number; payload: Buffer } | undefined> {
  try {
    const [first = 0, second = 0] = await connection.read(2)
    const length = second < 126 ? second : (await connection.read(2)).readUInt16BE(0)
    return { opcode: first & 0x0f, payload: await connection.read(length) }
  } catch {
    return undefined
  }
}

function packetsOf(read: () => Promise<Buffer | undefined>): () => Promise<Packet | undefined> {
  const framer = new PacketFramer()
  const queue: Packet[] = []
  return async () => {
    while (queue.length === 0) {
      const bytes = await read()
      if (bytes === undefined) return undefined
      queue.push(...framer.push(bytes))
    }
    return queue.shift()
  }
}

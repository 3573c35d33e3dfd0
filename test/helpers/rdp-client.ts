import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Size } from '../../src/demo/host/picture/area.ts'
import {
  decodeConnectionConfirm,
  decodeDataTpdu,
  encodeConnectionRequest,
  encodeDataTpdu,
  SecurityProtocol,
  tpktLength,
} from '../../src/protocol/index.ts'
import { eventually } from './eventually.ts'
import { hex } from './hex.ts'
import {
  type ClientCore,
  clientInfo,
  confirmActive,
  connectInitial,
  coreBlock,
  createRequest,
  finalization,
  networkBlock,
  sendData,
} from './rdp-messages.ts'
import { decodeRle } from './rle-decoder.ts'
import type { Colour } from './screenshot.ts'

const USER = 1006
const IO_CHANNEL = 1003
const MAX_PACKET_BYTES = 65_535
const STEP_TIMEOUT_MS = 15_000

/**
 * An RDP client of a few lines, for tests that need no X: it does what a host expects in small steps,
 * each of which a test may leave out or do wrongly, and puts bitmap updates into a picture.
 */
export class RdpClient {
  #socket: Socket | TLSSocket
  #pending: Buffer = Buffer.alloc(0)
  /** MCS payloads that nobody has waited for yet. */
  readonly messages: Buffer[] = []
  /** All bytes since TLS, to see how much a host says. */
  receivedBytes = 0
  updates = 0
  closed = false
  /** 16-bit pixels, rows top down. */
  readonly pixels: Uint16Array
  readonly size: Size

  private constructor(socket: Socket, size: Size) {
    this.#socket = socket
    this.size = size
    this.pixels = new Uint16Array(size.width * size.height)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
    })
  }

  /** TCP only. */
  static async connect(at: { address: string; port: number }, size: Size): Promise<RdpClient> {
    const socket = connectTcp(at.port, at.address)
    await once(socket, 'connect')
    return new RdpClient(socket, size)
  }

  /** All the way to the first bitmap update. */
  static async open(
    at: { address: string; port: number },
    core: ClientCore & Size & { extraFlags?: number },
  ): Promise<RdpClient> {
    const client = await RdpClient.connect(at, { width: core.width, height: core.height })
    await client.secure()
    await client.join(core)
    await client.activate(core)
    await eventually('first picture', () => client.updates > 0, {
      timeoutMs: STEP_TIMEOUT_MS,
      intervalMs: 20,
    })
    return client
  }

  /** @throws Error when the host does not choose TLS, or closes; it does one of both within its deadline */
  async secure(requestedProtocols: number = SecurityProtocol.ssl): Promise<void> {
    this.#socket.write(encodeConnectionRequest({ negotiation: { flags: 0, requestedProtocols } }))
    const confirm = decodeConnectionConfirm(await this.#firstChunk())
    if (confirm.kind !== 'selected') throw new Error(`host answered ${confirm.kind}`)
    const tls = connectTls({ socket: this.#socket, rejectUnauthorized: false })
    tls.on('error', () => {})
    const signal = AbortSignal.timeout(STEP_TIMEOUT_MS)
    await once(tls, 'secureConnect', { signal })
    tls.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#socket = tls
  }

  /** MCS connect, attach, Client Info; leaves the Demand Active unread. */
  async join(core: ClientCore = {}): Promise<void> {
    this.sendMcs(connectInitial(createRequest(coreBlock(core), networkBlock(2))))
    await this.receive()
    this.sendMcs(hex('04 01 00 01 00'))
    this.sendMcs(hex('28'))
    await this.receive()
    for (const channel of [USER, IO_CHANNEL]) {
      this.sendMcs(Buffer.concat([hex('38 00 05'), Buffer.from([channel >> 8, channel & 0xff])]))
      await this.receive()
    }
    this.sendIo(clientInfo())
    await this.receive()
  }

  /** Capabilities and finalization up to the Font Map. */
  async activate({ extraFlags = 0x0405 }: { extraFlags?: number } = {}): Promise<void> {
    await this.receive()
    this.sendIo(confirmActive({ extraFlags }))
    for (const message of finalization()) this.sendIo(message)
    for (let answers = 0; answers < 4; answers += 1) await this.receive()
  }

  /** Raw bytes, on TLS once there is one. */
  send(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  sendMcs(message: Uint8Array): void {
    this.send(encodeDataTpdu(message))
  }

  sendIo(data: Uint8Array): void {
    this.sendMcs(sendData(USER, IO_CHANNEL, data))
  }

  /** The next slow-path message of the host. */
  async receive(): Promise<Buffer> {
    return eventually('a message of the host', () => this.messages.shift(), {
      timeoutMs: STEP_TIMEOUT_MS,
      intervalMs: 5,
    })
  }

  /** Reads and forgets, so that the host's end is noticed before TLS. */
  drain(): void {
    this.#socket.resume()
  }

  /** Stops reading, as a client that hangs. */
  pause(): void {
    this.#socket.pause()
  }

  end(): void {
    this.#socket.destroy()
  }

  /** A pixel of the picture as far as it has come. */
  at(x: number, y: number): Colour {
    const pixel = this.pixels[y * this.size.width + x] ?? 0
    const channels = [(pixel >> 11) / 31, ((pixel >> 5) & 0x3f) / 63, (pixel & 0x1f) / 31] as const
    const [red, green, blue] = channels
    return [Math.round(red * 255), Math.round(green * 255), Math.round(blue * 255)]
  }

  #firstChunk(): Promise<Buffer> {
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      socket.once('data', resolve)
      socket.once('close', () => reject(new Error('host closed without an answer')))
    })
  }

  #take(chunk: Buffer): void {
    this.receivedBytes += chunk.length
    this.#pending = Buffer.concat([this.#pending, chunk])
    for (;;) {
      const length = this.#packetLength()
      if (length === undefined || this.#pending.length < length) return
      const packet = this.#pending.subarray(0, length)
      this.#pending = this.#pending.subarray(length)
      if (packet[0] === 3) this.#takeMcs(Buffer.from(decodeDataTpdu(packet)))
      else this.#takeFastPath(packet)
    }
  }

  #packetLength(): number | undefined {
    const [action, length1, length2] = this.#pending
    if (action === 3) return tpktLength(this.#pending, MAX_PACKET_BYTES)
    if (action === undefined || length1 === undefined) return undefined
    if (length1 < 0x80) return length1
    return length2 === undefined ? undefined : ((length1 & 0x7f) << 8) | length2
  }

  /** Slow-path bitmap updates go into the picture, everything else to whoever waits. */
  #takeMcs(message: Buffer): void {
    const update = bitmapUpdateOf(message)
    if (update === undefined) this.messages.push(message)
    else this.#draw(update)
  }

  #takeFastPath(packet: Buffer): void {
    const body = packet.subarray(packet.readUInt8(1) < 0x80 ? 2 : 3)
    if ((body.readUInt8(0) & 0x0f) === 1) this.#draw(body.subarray(3))
  }

  #draw(update: Buffer): void {
    this.updates += 1
    let offset = 4
    for (let count = update.readUInt16LE(2); count > 0; count -= 1) {
      const field = (index: number) => update.readUInt16LE(offset + 2 * index)
      const left = field(0)
      const top = field(1)
      const width = field(4)
      const height = field(5)
      const flags = field(7)
      const length = field(8)
      const headerBytes = (flags & 0x0400) === 0 ? 8 : 0
      const data = update.subarray(offset + 18 + headerBytes, offset + 18 + length)
      const pixels = decodeRle(data, width * height)
      for (let row = 0; row < height; row += 1) {
        const source = pixels.subarray((height - 1 - row) * width, (height - row) * width)
        this.pixels.set(source, (top + row) * this.size.width + left)
      }
      offset += 18 + length
    }
  }
}

/** The body of an Update data PDU in a Send Data Indication; undefined for every other message. */
function bitmapUpdateOf(message: Buffer): Buffer | undefined {
  if (message[0] !== 0x68) return undefined
  const data = message.subarray(message.readUInt8(6) < 0x80 ? 7 : 8)
  const isShareData = data.length > 18 && data.readUInt16LE(2) === 0x17
  return isShareData && data.readUInt8(14) === 2 ? data.subarray(18) : undefined
}

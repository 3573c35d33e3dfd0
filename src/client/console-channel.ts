import { Duplex } from 'node:stream'
import { type BrokerError, withDeadline } from '../lib/index.ts'
import {
  decodeClose,
  decodeData,
  decodeServiceMessage,
  encodeCloseChannelResponse,
  encodeData,
  type Packet,
  PacketType,
} from '../protocol/index.ts'
import type { Granted } from './set-up.ts'
import type { Transport, TransportKind } from './transport.ts'

/** Payload of one DATA packet: with its headers (10 bytes, and 8 of a frame or chunk) it fits one TLS record. */
const MAX_PAYLOAD_BYTES = 16_366
/** For the last bytes to leave; a gateway that doesn't take them by then is not waited for. */
const CLOSE_TIMEOUT_MS = 2_000

/**
 * The open channel: bytes to and from the target. Ends when the gateway closes it; `closeStatus` then
 * says why. Emits `serviceMessage` with text for the user.
 */
export class ConsoleChannel extends Duplex {
  readonly granted: Granted
  readonly #transport: Transport
  #closeStatus: number | undefined

  constructor(transport: Transport, granted: Granted) {
    super({ allowHalfOpen: false })
    this.granted = granted
    this.#transport = transport
    transport.inbox.divert({
      onPacket: (packet) => this.#onPacket(packet),
      onEnd: (reason) => this.#onEnd(reason),
    })
  }

  get transportKind(): TransportKind {
    return this.#transport.kind
  }

  /** HRESULT of the gateway's CLOSE_CHANNEL; undefined while the channel lives, and when none came. */
  get closeStatus(): number | undefined {
    return this.#closeStatus
  }

  override _read(): void {
    this.#transport.inbox.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#send(chunk, callback)
  }

  override _final(callback: (error?: Error) => void): void {
    const closed = this.#transport.close()
    withDeadline(closed, CLOSE_TIMEOUT_MS, 'gateway').then(() => callback(), callback)
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#transport.destroy()
    callback(error)
  }

  /** Packet after packet, each once the transport takes more. */
  #send(bytes: Uint8Array, callback: () => void): void {
    const rest = bytes.subarray(MAX_PAYLOAD_BYTES)
    const next = rest.length === 0 ? callback : () => this.#send(rest, callback)
    this.#transport.send(encodeData(bytes.subarray(0, MAX_PAYLOAD_BYTES)), next)
  }

  /** What it throws ends the inbox, and with it the channel. */
  #onPacket(packet: Packet): void {
    switch (packet.type) {
      case PacketType.data: {
        const payload = decodeData(packet.body)
        if (payload.length > 0 && !this.push(payload)) this.#transport.inbox.pause()
        return
      }
      case PacketType.closeChannel:
        this.#closeStatus = decodeClose(packet.body)
        this.#transport.send(encodeCloseChannelResponse(0))
        this.push(null)
        return
      case PacketType.serviceMessage:
        this.emit('serviceMessage', decodeServiceMessage(packet.body))
        return
      default:
        // KEEPALIVE wants no answer; what else may come has no meaning for us.
        return
    }
  }

  #onEnd(reason: BrokerError | undefined): void {
    if (this.#closeStatus !== undefined) return
    if (reason === undefined) this.push(null)
    else this.destroy(reason)
  }
}

import { writeDataHeader } from '../../protocol/index.ts'
import type { HostConnection } from '../dial.ts'
import { HEADROOM_BYTES } from '../host-reader.ts'
import { FRAME_HEADROOM_BYTES, type PacketTransport } from '../transport/packet-transport.ts'
import type { Direction } from './direction.ts'

/** Host to client: every read becomes one DATA packet in place; the reader pauses the host by itself. */
export class ToClient implements Direction {
  /** Payload that has passed. */
  bytes = 0
  taken = 0
  readonly #host: HostConnection
  readonly #transport: PacketTransport
  #onIdle: (() => void) | undefined

  constructor(host: HostConnection, transport: PacketTransport) {
    this.#host = host
    this.#transport = transport
  }

  get waiting(): boolean {
    return this.#host.reader.inFlight > 0
  }

  /** @param onPacket called for each packet that is sent */
  start(onPacket: () => void): void {
    this.#host.reader.start(this.#host.socket, (buffer, end, done) => {
      this.bytes += end - HEADROOM_BYTES
      writeDataHeader(buffer, FRAME_HEADROOM_BYTES, end - HEADROOM_BYTES)
      onPacket()
      this.#transport.sendInPlace(buffer, FRAME_HEADROOM_BYTES, end, () => {
        this.taken++
        done()
        if (!this.waiting) this.#onIdle?.()
      })
    })
  }

  /** Calls back once when all that was read has left. */
  whenSent(callback: () => void): void {
    if (this.waiting) this.#onIdle = callback
    else callback()
  }
}

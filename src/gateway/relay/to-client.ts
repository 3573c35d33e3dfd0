import { writeDataHeader } from '../../protocol/index.ts'
import type { HostConnection } from '../dial.ts'
import { HEADROOM_BYTES } from '../host-reader.ts'
import { FRAME_HEADROOM_BYTES, type PacketTransport } from '../transport/packet-transport.ts'
import type { Direction } from './direction.ts'
import { REFUSAL_BYTES, refusalIn } from './host-answer.ts'

/** Host to client: every read becomes one DATA packet in place; the reader pauses the host by itself. */
export class ToClient implements Direction {
  /** Payload that has passed. */
  bytes = 0
  taken = 0
  readonly #host: HostConnection
  readonly #transport: PacketTransport
  #onIdle: (() => void) | undefined
  /** Failure code, where the first bytes were a refusal. */
  #refusal: number | undefined

  constructor(host: HostConnection, transport: PacketTransport) {
    this.#host = host
    this.#transport = transport
  }

  get waiting(): boolean {
    return this.#host.reader.inFlight > 0
  }

  /** The host's failure code, as long as it has said nothing but no; see {@link refusalIn}. */
  get refusal(): number | undefined {
    return this.bytes === REFUSAL_BYTES ? this.#refusal : undefined
  }

  /** @param onPacket called for each packet that is sent */
  start(onPacket: () => void): void {
    this.#host.reader.start(this.#host.socket, (buffer, end, done) => {
      if (this.bytes === 0) this.#refusal = refusalIn(buffer.subarray(HEADROOM_BYTES, end))
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

import type { Clock } from '../lib/index.ts'
import { describePacket, HEADER_BYTES, isPacketType, type Packet } from '../protocol/index.ts'
import type { PacketInbox } from './transport/packet-inbox.ts'
import type { PacketTransport } from './transport/packet-transport.ts'
import type { Client } from './tunnel.ts'

/** Takes one line after the other, without line feeds. */
export type WriteTrace = (line: string) => void

/**
 * Writes down what one tunnel's client sends and gets, packet by packet, for somebody who looks for a
 * fault. One tunnel at a time: those that begin meanwhile are left out, and the next one after its end is
 * taken.
 */
export class Tracer {
  readonly #clock: Clock
  readonly #write: WriteTrace
  #busy = false

  constructor(clock: Clock, write: WriteTrace) {
    this.#clock = clock
    this.#write = write
  }

  /** @returns what to use in place of the transport */
  follow(transport: PacketTransport, client: Client): PacketTransport {
    if (this.#busy) return transport
    this.#busy = true
    const { remoteAddress, connectionId = 'no connection id' } = client
    this.#line(`tunnel over ${transport.kind} from ${remoteAddress}, ${connectionId}`)
    return new TracedTransport(transport, {
      line: (text) => this.#line(text),
      end: () => {
        this.#line('tunnel closed')
        this.#busy = false
      },
    })
  }

  #line(text: string): void {
    this.#write(`${new Date(this.#clock.now()).toISOString()} ${text}`)
  }
}

interface Trace {
  line(text: string): void
  end(): void
}

class TracedTransport implements PacketTransport {
  readonly #transport: PacketTransport
  readonly #trace: Trace

  constructor(transport: PacketTransport, trace: Trace) {
    this.#transport = transport
    this.#trace = trace
    transport.inbox.watch((packet) => trace.line(`client > ${describePacket(packet)}`))
  }

  get kind(): PacketTransport['kind'] {
    return this.#transport.kind
  }

  get inbox(): PacketInbox {
    return this.#transport.inbox
  }

  get queuedBytes(): number {
    return this.#transport.queuedBytes
  }

  send(packet: Uint8Array): void {
    this.#sent(packet)
    this.#transport.send(packet)
  }

  sendInPlace(buffer: Buffer, start: number, end: number, done: () => void): void {
    this.#sent(buffer.subarray(start, end))
    this.#transport.sendInPlace(buffer, start, end, done)
  }

  async close(): Promise<void> {
    await this.#transport.close()
    this.#trace.end()
  }

  #sent(bytes: Uint8Array): void {
    this.#trace.line(`client < ${describePacket(toPacket(bytes))}`)
  }
}

/** Of a whole packet of ours. */
function toPacket(bytes: Uint8Array): Packet {
  const type = new DataView(bytes.buffer, bytes.byteOffset).getUint16(0, true)
  if (!isPacketType(type)) throw new TypeError(`packetType: ${type} is none of ours`)
  return { type, body: bytes.subarray(HEADER_BYTES) }
}

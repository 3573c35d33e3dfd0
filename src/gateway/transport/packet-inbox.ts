import { BrokerError, ProtocolError, type Reason, Refusal } from '../../lib/index.ts'
import { type Packet, PacketFramer } from '../../protocol/index.ts'

/** What the inbox stops and restarts when packets come faster than they are taken. */
export interface Flow {
  pause(): void
  resume(): void
}

/** Where packets go once nobody asks for them one by one. */
export interface PacketSink {
  onPacket(packet: Packet): void
  /** All packets of one read have come; what it throws ends the transport. @returns whether nothing refers to its bytes any more */
  onReadEnd(): boolean
}

/**
 * Where a transport puts the client's bytes. During set-up, packets wait until they are asked for one by
 * one; afterwards they go straight to the relay.
 *
 * INVARIANT: the first end wins; after it no packet comes out.
 */
export class PacketInbox {
  readonly #framer = new PacketFramer()
  readonly #flow: Flow
  readonly #maxQueued: number
  readonly #ended = new AbortController()
  readonly #queue: Packet[] = []
  #asked: PromiseWithResolvers<Packet> | undefined
  #sink: PacketSink | undefined
  #watcher: ((packet: Packet) => void) | undefined

  /** @param maxQueued packets that may wait: the client is paused then, and one more ends the transport */
  constructor(flow: Flow, maxQueued: number) {
    this.#flow = flow
    this.#maxQueued = maxQueued
  }

  /** Aborted when the transport is over; its reason says why: a Refusal or a ProtocolError. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** The next packet; at most one call may wait. Rejects with the reason of the end. */
  receive(): Promise<Packet> {
    if (this.ended.aborted) return Promise.reject(this.ended.reason)
    const packet = this.#queue.shift()
    if (packet !== undefined) {
      if (this.#queue.length < this.#maxQueued) this.#flow.resume()
      return Promise.resolve(packet)
    }
    this.#asked = Promise.withResolvers()
    return this.#asked.promise
  }

  /** Hands over what waits, in order; nothing is waiting afterwards. */
  takeWaiting(): Packet[] {
    return this.#queue.splice(0)
  }

  /** From now on every packet goes to `sink` at once. `pause` and `resume` are the sink's from here. */
  divert(sink: PacketSink): void {
    this.#sink = sink
    for (const packet of this.takeWaiting()) sink.onPacket(packet)
    sink.onReadEnd()
    this.#flow.resume()
  }

  /** Shows every packet to somebody else as well, those first that wait already. */
  watch(watcher: (packet: Packet) => void): void {
    this.#watcher = watcher
    for (const packet of this.#queue) watcher(packet)
  }

  pause(): void {
    this.#flow.pause()
  }

  resume(): void {
    this.#flow.resume()
  }

  /** Bytes of the client, split anywhere. Bytes that break the protocol end the transport. */
  push(bytes: Uint8Array): void {
    if (this.ended.aborted) return
    try {
      for (const packet of this.#framer.push(bytes)) this.#deliver(packet)
    } catch (error) {
      this.end(error)
    }
  }

  /** All bytes of one read have been pushed. @returns whether nothing refers to them any more */
  endRead(): boolean {
    try {
      // What waits for set-up is a copy.
      return this.#sink?.onReadEnd() ?? true
    } catch (error) {
      this.end(error)
      return false
    }
  }

  /** As {@link end}; the refusal is made only if it is the first end, since its stack takes 10 µs. */
  endFor(reason: Reason, detail: string): void {
    if (!this.ended.aborted) this.end(new Refusal(reason, detail))
  }

  end(reason: unknown): void {
    if (this.ended.aborted) return
    this.#queue.length = 0
    this.#ended.abort(reason ?? new BrokerError('ERR_CLOSED', 'the transport is closed'))
    this.#asked?.reject(this.ended.reason)
    this.#asked = undefined
  }

  #deliver(packet: Packet): void {
    if (this.ended.aborted) return
    this.#watcher?.(packet)
    // A packet that waits outlives the bytes it is a view of.
    if (this.#sink === undefined) this.#keep({ ...packet, body: new Uint8Array(packet.body) })
    else this.#sink.onPacket(packet)
  }

  #keep(packet: Packet): void {
    if (this.#asked !== undefined) {
      const { resolve } = this.#asked
      this.#asked = undefined
      resolve(packet)
      return
    }
    // A pause does not stop what has been read already: 256 KiB of bare headers would hold 8 MB here.
    if (this.#queue.length >= this.#maxQueued) {
      const message = `${this.#maxQueued} wait to be asked for, and more come`
      throw new ProtocolError('ERR_PACKET_UNEXPECTED', 'HTTP_PACKET', 'packetType', message)
    }
    this.#queue.push(packet)
    if (this.#queue.length >= this.#maxQueued) this.#flow.pause()
  }
}

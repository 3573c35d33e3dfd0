import type { Duplex } from 'node:stream'
import { BrokerError } from '../lib/index.ts'
import { type Packet, PacketFramer } from '../protocol/index.ts'

/** Packets of a gateway before somebody asks for them: set-up is one answer at a time. */
const MAX_WAITING_PACKETS = 16

export interface PacketSink {
  onPacket(packet: Packet): void
  /** Comes once; nothing follows. @param reason absent after an orderly end of the stream */
  onEnd(reason: BrokerError | undefined): void
}

/**
 * The gateway's packets: asked for one by one during set-up, handed to a sink afterwards.
 *
 * INVARIANT: the first end wins; what came before it still comes out.
 */
export class PacketInbox {
  readonly #socket: Duplex
  readonly #framer = new PacketFramer()
  readonly #waiting: Packet[] = []
  #asked: PromiseWithResolvers<Packet> | undefined
  #sink: PacketSink | undefined
  #end: { reason: BrokerError | undefined } | undefined

  /** @param socket paused while packets come faster than they are taken */
  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /**
   * The next packet; one call at a time.
   *
   * @throws the reason of the end, BrokerError `ERR_NO_ANSWER` after an orderly one; the signal's reason
   */
  async next(signal: AbortSignal): Promise<Packet> {
    signal.throwIfAborted()
    const packet = this.#waiting.shift()
    if (packet !== undefined) {
      this.#socket.resume()
      return packet
    }
    if (this.#end !== undefined) throw this.#end.reason ?? closedByGateway()
    const asked = Promise.withResolvers<Packet>()
    this.#asked = asked
    const abort = (): void => asked.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await asked.promise
    } finally {
      signal.removeEventListener('abort', abort)
      this.#asked = undefined
    }
  }

  /** From now on everything goes to `sink`; flow control is the sink's from here. */
  divert(sink: PacketSink): void {
    this.#sink = sink
    for (const packet of this.#waiting.splice(0)) sink.onPacket(packet)
    if (this.#end !== undefined) sink.onEnd(this.#end.reason)
    this.#socket.resume()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Bytes of the gateway, split anywhere. */
  push(bytes: Uint8Array): void {
    try {
      for (const packet of this.#framer.push(bytes)) this.#deliver(packet)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.end(error)
    }
  }

  end(reason?: BrokerError): void {
    if (this.#end !== undefined) return
    this.#end = { reason }
    this.#asked?.reject(reason ?? closedByGateway())
    this.#sink?.onEnd(reason)
  }

  #deliver(packet: Packet): void {
    if (this.#end !== undefined) return
    if (this.#sink !== undefined) {
      this.#sink.onPacket(packet)
    } else if (this.#asked !== undefined) {
      this.#asked.resolve(packet)
      this.#asked = undefined
    } else {
      this.#waiting.push(packet)
      if (this.#waiting.length >= MAX_WAITING_PACKETS) this.#socket.pause()
    }
  }
}

function closedByGateway(): BrokerError {
  return new BrokerError('ERR_NO_ANSWER', 'the gateway closed the connection')
}

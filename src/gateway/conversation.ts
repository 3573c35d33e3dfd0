import { ProtocolError, Refusal } from '../lib/index.ts'
import { type Packet, PacketType } from '../protocol/index.ts'
import type { SetupStep } from './observer.ts'
import { encodeRefusal, outOfOrder } from './refusal.ts'
import { reasonOf, statusAt } from './status.ts'
import type { PacketTransport } from './transport/packet-transport.ts'

/**
 * Set-up's side of the strict question and answer of [MS-TSGU] 1.3.2.1.2: it gives out only the request
 * that is due, and knows which response an error belongs in.
 */
export class Conversation {
  readonly #transport: PacketTransport
  /** Type of the request that is due or being answered. */
  #request: PacketType = PacketType.handshakeRequest
  #timer: NodeJS.Timeout | undefined
  readonly #stepDone: (step: SetupStep, seconds: number) => void
  #receivedAtMs = 0

  /** @param stepDone is told of every positive answer */
  constructor(
    transport: PacketTransport,
    stepDone: (step: SetupStep, seconds: number) => void = () => {},
  ) {
    this.#transport = transport
    this.#stepDone = stepDone
  }

  /** From now on, the next requests must come within this time; replaces the limit before. */
  within(timeoutMs: number, what: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const refusal = new Refusal('set-up-timeout', `${what}: not within ${timeoutMs} ms`)
      this.#transport.inbox.end(refusal)
    }, timeoutMs)
  }

  /** The conversation is over: no time limit runs on. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  /**
   * Body of the request that is due; KEEPALIVE may come between requests after the handshake.
   *
   * @throws ProtocolError `ERR_PACKET_UNEXPECTED` for any other packet; the reason of the transport's end
   */
  async receive(type: PacketType): Promise<Uint8Array> {
    this.#request = type
    for (;;) {
      const packet = await this.#transport.inbox.receive()
      if (packet.type === type) {
        this.#receivedAtMs = performance.now()
        return packet.body
      }
      if (!this.#isKeepAlive(packet)) this.#refuseOutOfOrder(packet)
    }
  }

  /** Nothing but KEEPALIVE may be waiting: the client speaks before it has its answer. */
  expectSilence(): void {
    for (const packet of this.#transport.inbox.takeWaiting()) {
      if (!this.#isKeepAlive(packet)) this.#refuseOutOfOrder(packet)
    }
  }

  /** Says yes to the request that was received last. */
  answer(step: SetupStep, packet: Uint8Array): void {
    this.#transport.send(packet)
    this.#stepDone(step, (performance.now() - this.#receivedAtMs) / 1000)
  }

  /**
   * Answers the current request with the error's class. Nothing goes to a client that has gone, nor to one
   * whose bytes were no packets: the connection just closes.
   */
  refuse(error: unknown): void {
    const brokenStream = this.#transport.inbox.ended.reason instanceof ProtocolError
    if (brokenStream || reasonOf(error) === 'client-closed') return
    const answer = encodeRefusal(this.#request, statusAt(this.#request, error))
    if (answer !== undefined) this.#transport.send(answer)
  }

  #isKeepAlive({ type }: Packet): boolean {
    return type === PacketType.keepAlive && this.#request !== PacketType.handshakeRequest
  }

  #refuseOutOfOrder(packet: Packet): never {
    const due = this.#request
    this.#request = packet.type
    throw outOfOrder(packet, `due is type ${due}`)
  }
}

import { Refusal } from '../../lib/index.ts'
import {
  decodeData,
  encodeCloseChannel,
  encodeCloseChannelResponse,
  encodeKeepAlive,
  encodeServiceMessage,
  type Packet,
  PacketType,
  Status,
} from '../../protocol/index.ts'
import type { HostConnection } from '../dial.ts'
import type { Limits } from '../limits.ts'
import { encodeRefusal, outOfOrder } from '../refusal.ts'
import { closeStatusOf, reasonOf } from '../status.ts'
import type { PacketTransport } from '../transport/packet-transport.ts'
import { watchForStall } from './direction.ts'
import type { FirstBytes } from './first-bytes.ts'
import type { SessionLimits } from './session-limits.ts'
import { ToClient } from './to-client.ts'
import { ToHost } from './to-host.ts'

export interface RelayOptions {
  transport: PacketTransport
  host: HostConnection
  firstBytes: FirstBytes
  sessionLimits: SessionLimits
  /** Flags of `Capability` that the client offered. */
  capsFlags: number
  limits: Limits
}

/**
 * The data phase, [MS-TSGU] 3.3.5.4: from CHANNEL_RESPONSE until one side ends. The transport's inbox is
 * the one place where an end arrives, whoever causes it; the first one counts.
 */
export class Relay {
  readonly #transport: PacketTransport
  readonly #host: HostConnection
  readonly #firstBytes: FirstBytes
  readonly #sessionLimits: SessionLimits
  readonly #capsFlags: number
  readonly #limits: Limits
  readonly #toHost: ToHost
  readonly #toClient: ToClient

  constructor({ transport, host, firstBytes, sessionLimits, capsFlags, limits }: RelayOptions) {
    this.#transport = transport
    this.#host = host
    this.#firstBytes = firstBytes
    this.#sessionLimits = sessionLimits
    this.#capsFlags = capsFlags
    this.#limits = limits
    this.#toHost = new ToHost(host.socket, firstBytes, transport.inbox, limits.maxQueuedBytes)
    this.#toClient = new ToClient(host, transport)
  }

  /** Payload from the client to the host. */
  get bytesIn(): number {
    return this.#toHost.bytes
  }

  /** Payload from the host to the client. */
  get bytesOut(): number {
    return this.#toClient.bytes
  }

  /** For a client that has announced that it takes one. @returns false when nothing was sent */
  message(text: string): boolean {
    const { inbox, queuedBytes } = this.#transport
    if (inbox.ended.aborted || queuedBytes > this.#limits.maxMessageBacklogBytes) return false
    this.#transport.send(encodeServiceMessage(text))
    return true
  }

  /**
   * Relays until the end and tells the client about it. Closing the transport and the host's socket is
   * left to the caller.
   *
   * @returns why it ended: a Refusal or a ProtocolError
   */
  async run(): Promise<unknown> {
    const { inbox } = this.#transport
    const { socket } = this.#host
    const end = (detail: string): void => inbox.endFor('host-closed', detail)
    socket.on('error', (error) => end(error.message))
    socket.on('close', () => end('connection closed'))
    // The host's last bytes go out before the client hears that it has ended.
    socket.on('end', () => this.#toClient.whenSent(() => end('end of stream')))
    const timers = this.#startTimers()
    this.#sessionLimits.start((reason) => inbox.end(reason))
    inbox.divert({
      onPacket: (packet) => this.#onPacket(packet),
      onReadEnd: () => this.#toHost.flush(),
    })
    const reason = await aborted(inbox.ended)
    for (const timer of timers) clearTimeout(timer)
    this.#sessionLimits.stop()
    this.#sayGoodbye(reason)
    return this.#unlessRefused(reason)
  }

  /** Whoever hangs up after the host has said no: that it did is why. */
  #unlessRefused(error: unknown): unknown {
    const { refusal } = this.#toClient
    const hungUp = ['client-closed', 'host-closed'].includes(reasonOf(error))
    if (refusal === undefined || !hungUp) return error
    const detail = `RDP negotiation: the host answers with failure code ${refusal}`
    return new Refusal('host-refused', detail, { cause: error })
  }

  #onPacket(packet: Packet): void {
    switch (packet.type) {
      case PacketType.data:
        this.#toHost.push(decodeData(packet.body))
        this.#sessionLimits.onInput()
        return
      case PacketType.keepAlive:
      case PacketType.closeChannelResponse:
        return
      case PacketType.closeChannel:
        this.#transport.send(encodeCloseChannelResponse(Status.ok))
        throw new Refusal('client-closed', 'CLOSE_CHANNEL')
      default: {
        const answer = encodeRefusal(packet.type, Status.internalError)
        if (answer !== undefined) this.#transport.send(answer)
        throw outOfOrder(packet, 'the channel is open')
      }
    }
  }

  /** Starts reading the host as well, since its packets put off the next KEEPALIVE. */
  #startTimers(): NodeJS.Timeout[] {
    const { inbox } = this.#transport
    const { firstBytesTimeoutMs, keepAliveMs, slowPeerTimeoutMs } = this.#limits
    const slow = (who: string): void =>
      inbox.endFor('slow-peer', `${who}: took nothing within ${slowPeerTimeoutMs} ms`)
    const keepAlive = setInterval(() => this.#transport.send(encodeKeepAlive()), keepAliveMs)
    this.#toClient.start(() => keepAlive.refresh())
    return [
      keepAlive,
      setTimeout(() => {
        if (this.#firstBytes.proven) return
        inbox.endFor('set-up-timeout', `first bytes: not in ${firstBytesTimeoutMs} ms`)
      }, firstBytesTimeoutMs),
      watchForStall(this.#toHost, slowPeerTimeoutMs, () => slow('host')),
      watchForStall(this.#toClient, slowPeerTimeoutMs, () => slow('client')),
    ]
  }

  #sayGoodbye(error: unknown): void {
    const reason = reasonOf(error)
    if (reason === 'client-closed') return
    this.#transport.send(encodeCloseChannel(closeStatusOf(reason, this.#capsFlags)))
  }
}

function aborted(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason)
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}

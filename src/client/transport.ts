import type { PacketInbox } from './packet-inbox.ts'

export type TransportKind = 'websocket' | 'http'

/** One tunnel's packets, whichever way they travel. */
export interface Transport {
  readonly kind: TransportKind
  /** What the gateway sends, and how the transport ended. */
  readonly inbox: PacketInbox
  /**
   * Sends one whole packet.
   *
   * @param sent called once more may be sent, also when the transport has ended
   */
  send(packet: Uint8Array, sent?: () => void): void
  /** Says goodbye and throws away what still comes; resolves once all is written. */
  close(): Promise<void>
  /** Closes at once. */
  destroy(): void
}

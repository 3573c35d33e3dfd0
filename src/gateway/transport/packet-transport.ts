import type { PacketInbox } from './packet-inbox.ts'

/** One tunnel's packets, whichever way they travel. */
export interface PacketTransport {
  /** As in the log: a WebSocket, or the OUT/IN pair. */
  readonly kind: 'websocket' | 'http'
  /** What the client sends, and how the transport ended. */
  readonly inbox: PacketInbox
  /** Bytes that were sent and that the client's socket has not taken yet. */
  readonly queuedBytes: number
  /** One whole packet, in one write (and one WebSocket message). */
  send(packet: Uint8Array): void
  /**
   * One whole packet at `buffer[start, end)` without a copy; `FRAME_HEADROOM_BYTES` before `start` may be
   * overwritten. `done` is called once the buffer may be reused, also when the socket has failed.
   */
  sendInPlace(buffer: Buffer, start: number, end: number, done: () => void): void
  /** Flushes, says goodbye, and resolves when all sockets are closed: by the peer, or by us after a limit. */
  close(): Promise<void>
}

/** What a transport may write in front of a packet: the longest header of a frame below 64 KiB. */
export const FRAME_HEADROOM_BYTES = 4

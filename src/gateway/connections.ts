import type { Socket } from 'node:net'
import type { Limits } from './limits.ts'
import { Quota } from './quota.ts'

/**
 * A node's places for connections, on all its listeners together. When all are taken, the connection that
 * has waited longest without a whole request makes room: silence costs its client nothing, so it must not
 * keep those out who speak.
 */
export class Connections {
  readonly #maxConnections: number
  readonly #perAddress: Quota
  readonly #open = new Set<Socket>()
  /** Those of them whose request has not come, oldest first. */
  readonly #unheard = new Set<Socket>()
  readonly #onRefused: () => void

  /** @param onRefused called for each that finds no place or loses its own */
  constructor({ maxConnections, maxConnectionsPerAddress }: Limits, onRefused: () => void) {
    this.#onRefused = onRefused
    this.#maxConnections = maxConnections
    this.#perAddress = new Quota(Number.POSITIVE_INFINITY, maxConnectionsPerAddress)
  }

  get total(): number {
    return this.#open.size
  }

  /**
   * Counts a connection until it is closed.
   *
   * @returns false when every place is taken by one that has spoken
   */
  accept(socket: Socket): boolean {
    if (this.#open.size >= this.#maxConnections) {
      this.#onRefused()
      if (!this.#makeRoom()) return false
    }
    this.#open.add(socket)
    this.#unheard.add(socket)
    socket.once('close', () => this.#forget(socket))
    return true
  }

  /** Counts it for its client as well. @returns false when that client has all of its places */
  admit(socket: Socket, address: string): boolean {
    const release = this.#perAddress.take(address)
    if (release === undefined) {
      this.#onRefused()
      return false
    }
    socket.once('close', release)
    return true
  }

  /** Its request has come: it makes room for nobody any more. */
  heard(socket: Socket): void {
    this.#unheard.delete(socket)
  }

  destroyAll(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #makeRoom(): boolean {
    const [oldest] = this.#unheard
    if (oldest === undefined) return false
    // Its `close` comes a moment later than the newcomer needs the place.
    this.#forget(oldest)
    oldest.destroy()
    return true
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket)
    this.#unheard.delete(socket)
  }
}

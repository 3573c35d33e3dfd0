import type { Socket } from 'node:net'
import { Places } from '../lib/index.ts'
import type { Limits } from './limits.ts'
import { Quota } from './quota.ts'

/** A node's places for connections, on all its listeners together, and each client's share of them. */
export class Connections {
  readonly #places: Places<Socket>
  readonly #perAddress: Quota
  readonly #onRefused: () => void

  /** @param onRefused called for each that finds no place or loses its own */
  constructor({ maxConnections, maxConnectionsPerAddress }: Limits, onRefused: () => void) {
    this.#onRefused = onRefused
    this.#places = new Places(maxConnections, onRefused)
    this.#perAddress = new Quota(Number.POSITIVE_INFINITY, maxConnectionsPerAddress)
  }

  get total(): number {
    return this.#places.total
  }

  /**
   * Counts a connection until it is closed.
   *
   * @returns false when every place is taken by one that has spoken
   */
  accept(socket: Socket): boolean {
    return this.#places.accept(socket)
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
    this.#places.heard(socket)
  }

  destroyAll(): void {
    this.#places.destroyAll()
  }
}

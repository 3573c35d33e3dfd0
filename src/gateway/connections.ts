import type { Socket } from 'node:net'
import { Places } from '../lib/index.ts'
import { clientKey } from '../tokens/index.ts'
import type { Limits } from './limits.ts'

/** A node's places for connections, on all its listeners together, and each client's share of them. */
export class Connections {
  readonly #places: Places<Socket>
  readonly #maxPerAddress: number
  readonly #perClient = new Map<string, Places<Socket>>()
  /** Its client's, for each connection whose client is known. */
  readonly #share = new WeakMap<Socket, Places<Socket>>()
  readonly #onRefused: () => void

  /** @param onRefused called for each that finds no place or loses its own */
  constructor({ maxConnections, maxConnectionsPerAddress }: Limits, onRefused: () => void) {
    this.#onRefused = onRefused
    this.#places = new Places(maxConnections, onRefused)
    this.#maxPerAddress = maxConnectionsPerAddress
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

  /**
   * Counts it for its client as well; past the share of that client its own silent ones make room, since many may
   * share an address.
   *
   * @returns false when all that the client has have spoken
   */
  admit(socket: Socket, address: string): boolean {
    const client = clientKey(address, 'address') ?? address
    const share = this.#perClient.get(client) ?? new Places(this.#maxPerAddress, this.#onRefused)
    if (!share.accept(socket)) return false
    this.#perClient.set(client, share)
    this.#share.set(socket, share)
    socket.once('close', () => {
      if (share.total === 0 && this.#perClient.get(client) === share) this.#perClient.delete(client)
    })
    return true
  }

  /** Its request has come: it makes room for nobody any more. */
  heard(socket: Socket): void {
    this.#places.heard(socket)
    this.#share.get(socket)?.heard(socket)
  }

  destroyAll(): void {
    this.#places.destroyAll()
  }
}

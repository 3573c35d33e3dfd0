/** What of a socket matters for its place. */
export interface Placed {
  once(event: 'close', listener: () => void): unknown
  destroy(): unknown
}

/**
 * A listener's places for connections. When all are taken, the connection that has waited longest without saying what
 * it wants makes room: silence costs its client nothing, so it must not keep those out who speak.
 */
export class Places<Connection extends Placed> {
  readonly #most: number
  readonly #onFull: () => void
  readonly #open = new Set<Connection>()
  /** Those of them that have said nothing yet, or nothing since their last answer; oldest first. */
  readonly #silent = new Set<Connection>()

  /** @param onFull called for each connection that finds no place or loses its own */
  constructor(most: number, onFull: () => void = () => {}) {
    this.#most = most
    this.#onFull = onFull
  }

  get total(): number {
    return this.#open.size
  }

  /**
   * Counts a connection until it is closed.
   *
   * @returns false when every place is taken by one that has spoken
   */
  accept(connection: Connection): boolean {
    if (this.#open.size >= this.#most) {
      this.#onFull()
      if (!this.#makeRoom()) return false
    }
    this.#open.add(connection)
    this.#silent.add(connection)
    connection.once('close', () => this.#forget(connection))
    return true
  }

  /** Its request has come: it makes room for nobody. */
  heard(connection: Connection): void {
    this.#silent.delete(connection)
  }

  /** It was answered: it is as silent as a new one until it asks again. */
  answered(connection: Connection): void {
    if (this.#open.has(connection)) this.#silent.add(connection)
  }

  /** Those that nobody waits for. */
  destroySilent(): void {
    for (const connection of this.#silent) connection.destroy()
  }

  destroyAll(): void {
    for (const connection of this.#open) connection.destroy()
  }

  #makeRoom(): boolean {
    const [oldest] = this.#silent
    if (oldest === undefined) return false
    // Its `close` comes a moment later than the newcomer needs the place.
    this.#forget(oldest)
    oldest.destroy()
    return true
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection)
    this.#silent.delete(connection)
  }
}

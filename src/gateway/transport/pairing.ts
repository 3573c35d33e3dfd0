import type { Socket } from 'node:net'
import type { HalfOpenPlace } from '../half-open.ts'
import type { Limits } from '../limits.ts'

/** An OUT channel whose 200 is written and whose IN has not come yet. */
export interface PendingOut {
  /** `RDG-Connection-Id`, the key that both halves carry. */
  connectionId: string
  remoteAddress: string
  correlationId: string | undefined
  socket: Socket
  place: HalfOpenPlace
  /** It waited in vain, or its client has gone: gives everything back and closes the socket. */
  abandon(why: string): void
}

/**
 * Brings the two halves of a tunnel together, [MS-TSGU] 3.3.5.1. An OUT leaves the table when its IN
 * takes it, so a client may use one id for several tunnels in turn (FreeRDP 3.27 does).
 */
export class PairingTable {
  readonly #limits: Limits
  readonly #outs = new Map<string, { out: PendingOut; timer: NodeJS.Timeout }>()
  /** INs that came before their OUT; at most one for each id. */
  readonly #waiting = new Map<string, (out: PendingOut | undefined) => void>()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Waits for an IN. Of two pending OUTs with one id the newer stays. */
  add(out: PendingOut): void {
    const { connectionId } = out
    this.#take(connectionId)?.abandon('a newer OUT channel has the same connection id')
    const waiting = this.#waiting.get(connectionId)
    if (waiting === undefined) this.#keep(out)
    else waiting(out)
  }

  #keep(out: PendingOut): void {
    const { connectionId, socket } = out
    const leave = (why: string): void => {
      if (this.#outs.get(connectionId)?.out !== out) return
      this.#take(connectionId)
      out.abandon(why)
    }
    out.place.onEvicted(() => leave('a newer connection needs its place'))
    const { pairingTimeoutMs } = this.#limits
    const timer = setTimeout(() => leave(`no IN within ${pairingTimeoutMs} ms`), pairingTimeoutMs)
    this.#outs.set(connectionId, { out, timer })
    socket.once('end', () => leave('the client has closed it'))
    socket.once('close', () => leave('the client has closed it'))
    // Nothing is due on OUT after its request; reading on is how its end is noticed.
    socket.resume()
  }

  /**
   * The OUT for an IN; an IN that comes first waits a moment. `matches` refuses a foreign IN and leaves
   * the OUT where it is.
   *
   * @returns undefined when there is none
   */
  async take(
    connectionId: string,
    matches: (out: PendingOut) => boolean,
  ): Promise<PendingOut | undefined> {
    const pending = this.#outs.get(connectionId)
    if (pending !== undefined) return matches(pending.out) ? this.#take(connectionId) : undefined
    if (this.#waiting.has(connectionId)) return undefined
    const out = await this.#wait(connectionId)
    if (out === undefined || matches(out)) return out
    this.#keep(out)
    return undefined
  }

  /** Abandons every OUT and lets every waiting IN go. */
  clear(why: string): void {
    for (const connectionId of [...this.#outs.keys()]) this.#take(connectionId)?.abandon(why)
    for (const resolve of [...this.#waiting.values()]) resolve(undefined)
  }

  #take(connectionId: string): PendingOut | undefined {
    const pending = this.#outs.get(connectionId)
    if (pending === undefined) return undefined
    clearTimeout(pending.timer)
    this.#outs.delete(connectionId)
    return pending.out
  }

  #wait(connectionId: string): Promise<PendingOut | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => finish(undefined), this.#limits.inBeforeOutMs)
      const finish = (out: PendingOut | undefined): void => {
        clearTimeout(timer)
        this.#waiting.delete(connectionId)
        resolve(out)
      }
      this.#waiting.set(connectionId, finish)
    })
  }
}

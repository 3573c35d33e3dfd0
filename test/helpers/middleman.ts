import { once } from 'node:events'
import { createServer, connect as dial, type Socket, type TcpNetConnectOpts } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Random } from './random.ts'

/** Up is from whoever dialled the middleman to whom it dials. */
export type Way = 'up' | 'down'
type Side = 'near' | 'far'

/** What befalls a connection once, after so many bytes one way. */
export interface Accident {
  /**
   * `stall` holds that way back for a while, `vanish` both until healed; `end` sends FIN and `reset` RST
   * to some sides while the others hear nothing until healed; `flip` turns one bit over.
   */
  kind: 'stall' | 'vanish' | 'end' | 'reset' | 'flip'
  way: Way
  afterBytes: number
  /** Who learns of `end` and `reset`; `near` is whoever dialled the middleman. */
  sides: readonly Side[]
  /** Of `stall`. */
  stallMs: number
}

/** How badly a connection is passed on. */
export interface Trouble {
  /** Longest piece that travels at once, whatever was written at once. */
  maxPieceBytes: number
  /** Each piece waits so long, and what comes meanwhile may travel with it. */
  delayMs: number
  accident?: Accident
}

/** What becomes of one connection. */
export interface Passage {
  to: TcpNetConnectOpts
  trouble: Trouble
  random: Random
  /** From then on nothing is late, and whatever was held back or kept from a side reaches it. */
  healed: AbortSignal
}

export interface MiddlemanOptions {
  listen: { host: string; port: number }
  /** @param index counts the connections */
  route(index: number): Passage
}

export interface Middleman {
  port: number
  /** The sides of its connections that are not closed, in words. */
  left(): string[]
  /** Takes no more connections. Resolves when both sides of every one are closed, by their peers. */
  close(): Promise<void>
}

/** A TCP proxy that does to each connection what a test says; it closes nothing that its peers do not. */
export async function startMiddleman({ listen, route }: MiddlemanOptions): Promise<Middleman> {
  let count = 0
  const links = new Set<Link>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const passage = route(count++)
    const far = dial({ ...passage.to, allowHalfOpen: true, noDelay: true })
    const link = new Link({ near, far }, passage)
    links.add(link)
    void link.closed.then(() => links.delete(link))
  })
  server.listen({ ...listen, backlog: 512 })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    port: address.port,
    left: () => [...links].flatMap((link) => link.left()),
    async close() {
      server.close()
      await Promise.all([...links].map(({ closed }) => closed))
    },
  }
}

class Link {
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>
  readonly #sides: Record<Side, Socket>
  readonly #trouble: Trouble
  readonly #random: Random
  readonly #healed: Promise<void>
  #isHealed = false
  /** Nothing moves before it. */
  #gate: Promise<unknown> = Promise.resolve()
  /** What happens to one side is no news for the other before it. */
  #news: Promise<unknown> = Promise.resolve()
  #struck = false

  constructor(sides: Record<Side, Socket>, { trouble, random, healed }: Passage) {
    this.#sides = sides
    this.#trouble = trouble
    this.#random = random
    this.#healed = aborted(healed).then(() => {
      this.#isHealed = true
    })
    const { near, far } = sides
    for (const socket of [near, far]) socket.on('error', () => {})
    this.closed = Promise.all([near, far].map(closeOf)).then(() => {})
    void this.#carry(near, far, 'up')
    void this.#carry(far, near, 'down')
  }

  left(): string[] {
    return (['near', 'far'] as const).flatMap((side) => {
      const { closed, readableEnded, readableLength, writableEnded, writableLength } =
        this.#sides[side]
      const read = readableEnded ? 'has ended' : `sends, ${readableLength} bytes held`
      const wrote = writableEnded ? 'was ended' : 'is sent to'
      return closed ? [] : [`${side} ${read}, ${wrote} (${writableLength} bytes not taken)`]
    })
  }

  /** Passes on one way, and its end as it came: FIN for FIN, RST for RST. */
  async #carry(from: Socket, to: Socket, way: Way): Promise<void> {
    for (let carried = 0; await hasBytes(from); ) {
      await this.#gate
      await this.#linger()
      const untilAccident = this.#accidentIn(way)?.afterBytes ?? Number.POSITIVE_INFINITY
      const most = Math.min(from.readableLength, this.#random.size(1, this.#trouble.maxPieceBytes))
      const piece: Buffer | null = from.read(Math.min(most, Math.max(1, untilAccident - carried)))
      if (piece === null) continue
      carried += piece.length
      if (carried >= untilAccident) await this.#strike(piece)
      if (to.writable && !to.write(piece)) await drained(to)
    }
    await this.#news
    if (from.errored) to.resetAndDestroy()
    else to.end()
    if (from.destroyed) to.destroySoon()
  }

  async #linger(): Promise<void> {
    const { delayMs } = this.#trouble
    if (this.#isHealed) return
    if (delayMs > 0) await Promise.race([sleep(delayMs), this.#healed])
    else await turn()
  }

  #accidentIn(way: Way): Accident | undefined {
    const { accident } = this.#trouble
    return this.#struck || accident?.way !== way ? undefined : accident
  }

  async #strike(piece: Buffer): Promise<void> {
    const { accident } = this.#trouble
    if (accident === undefined) return
    this.#struck = true
    const sockets = accident.sides.map((side) => this.#sides[side])
    const healed = this.#healed
    switch (accident.kind) {
      case 'stall':
        await Promise.race([sleep(accident.stallMs), healed])
        return
      case 'vanish':
        this.#news = healed
        this.#gate = healed
        await healed
        return
      case 'end':
        this.#news = healed
        for (const socket of sockets) socket.end()
        return
      case 'reset':
        this.#news = healed
        for (const socket of sockets) socket.resetAndDestroy()
        return
      case 'flip':
        piece[0] = (piece[0] ?? 0) ^ 1
        return
    }
  }
}

/** False once nothing more can come. */
async function hasBytes(socket: Socket): Promise<boolean> {
  while (!socket.destroyed && !socket.readableEnded) {
    if (socket.readableLength > 0) return true
    await firstOf(socket, ['readable', 'end', 'close'])
  }
  return false
}

async function drained(socket: Socket): Promise<void> {
  if (socket.writableNeedDrain) await firstOf(socket, ['drain', 'close'])
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

function firstOf(socket: Socket, events: string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of events) socket.off(event, done)
      resolve()
    }
    for (const event of events) socket.on(event, done)
    // With nothing read yet, only a read asks for the first bytes.
    socket.read(0)
  })
}

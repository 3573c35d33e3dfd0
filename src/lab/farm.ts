import type { KeyPair } from '../certs/index.ts'
import type { Clock, Endpoint } from '../lib/index.ts'
import type { Issuer } from '../tokens/index.ts'
import type { Machine } from './inventory.ts'
import type { LogBook } from './log-book.ts'
import type { Ticket } from './ticket.ts'

/** Where a client can go. */
export interface Node {
  name: string
  address: Endpoint
}

/** How long what a scenario waits for takes here, in seconds. */
export interface Pace {
  /** Life of a token whose end a scenario waits for. */
  briefSeconds: number
  /** Clock difference that the nodes forgive. */
  leewaySeconds: number
  /** Until a dropped session is known to be gone. */
  dropSeconds: number
}

/** What a scenario meets: the laboratory's own farm with its steerable clock, or one that is running anyway. */
export interface Farm extends Pace {
  /** What tokens have to be for. */
  readonly farmName: string
  readonly clock: Clock
  readonly book: LogBook
  /** The nodes' lines come into the book. */
  readonly readsLog: boolean
  /** PEM of the authority behind the nodes' certificates; the system's when undefined. */
  readonly ca: string | undefined
  readonly nodes: readonly Node[]
  /** Literal addresses of this machine for two clients of one token; undefined: the system's choice, or none. */
  readonly clients: { alice: string | undefined; bob: string | undefined }
  /** There is one target, which sends back what it gets. */
  readonly echoes: boolean
  /** Signs what no broker would. */
  readonly issuer: Issuer
  readonly issuerPair: KeyPair
  /** How exactly an instant can be met. */
  readonly instantMs: number
  /** What a minute of an idle limit takes. */
  readonly idleMinuteMs: number
  /** A good token for this machine; its life is the farm's choice unless said. */
  mint(machine: Machine, user: string, ttlSeconds?: number): Promise<Ticket>
  moveTo(timeMs: number): Promise<void>
  /** As late before this time as can be met for sure. */
  moveToEndOf(timeMs: number): Promise<void>
  /** As soon from this time on as can be met for sure. */
  moveJustPast(timeMs: number): Promise<void>
  /** Resolves when a connection that was dropped is known to be gone by all who count. */
  untilDropped(connectionId: string, user: string): Promise<void>
  close(): Promise<void>
}

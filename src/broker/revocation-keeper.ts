import { randomUUID } from 'node:crypto'
import type { RevocationSet } from '../control/index.ts'
import { MAX_BYTES_TO_NODE, MAX_REVOCATIONS, revocationSet } from '../control/index.ts'
import type { Clock, Log } from '../lib/index.ts'
import type { Store, StoredRevocation } from '../store/index.ts'
import {
  createRevocationList,
  DEFAULT_REDEEM_RULE,
  MAX_LEEWAY_SECONDS,
  MAX_LIFETIME_SECONDS,
  type Revocation,
  type RevocationKind,
  type RevocationList,
} from '../tokens/index.ts'
import { ApiError } from './errors.ts'
import type { Pushes } from './pushes.ts'
import { assertReadable } from './readable.ts'

/** The longest that a token can still open a tunnel after it was issued, reconnect window (300 s) included. */
const LONGEST_USE_MS =
  (MAX_LIFETIME_SECONDS + MAX_LEEWAY_SECONDS + DEFAULT_REDEEM_RULE.reopenSeconds + 300) * 1000
/** All of them go to a node in one message, which has a few words beside them. */
const MOST_BYTES = MAX_BYTES_TO_NODE - 1_024

/** Sessions with a reconnect window outlive their tokens; a node without a broker still knows this then. */
const KEEP_MS = 24 * 60 * 60_000

export interface RevokeRequest {
  kind: RevocationKind
  value: string
  /** Tokens issued until then are hit; now when absent. */
  atMs?: number
  /** When the token that `jti` names expires, where that is known. */
  expiresAtMs?: number
  endSessions: boolean
  note?: string
  askedBy: string
}

/** What is revoked: kept in the store, held in memory for every redeem, pushed as it happens. */
export interface RevocationKeeper {
  /** @throws ApiError `unavailable` when verifiers could not hold one more, `validation-failed` when they could not read it */
  revoke(request: RevokeRequest): Promise<StoredRevocation>
  /** In force, oldest first. */
  list(): Promise<StoredRevocation[]>
  forVerifiers(): Promise<RevocationSet>
  /** For the broker's own verification. */
  find: RevocationList['find']
  /** Reads the store again; must have resolved once before `find` is asked. */
  load(): Promise<void>
  readonly version: number
}

export interface RevocationKeeperOptions {
  store: Store
  pushes: Pushes
  clock: Clock
  log: Log
}

export function createRevocationKeeper(options: RevocationKeeperOptions): RevocationKeeper {
  const { store, pushes, clock, log } = options
  let version = 0
  let items: Revocation[] = []
  /** Of all items, as they go to the nodes. */
  let bytes = 0
  /** What is under way has its place already. */
  const adding = { items: 0, bytes: 0 }
  let known = createRevocationList([])
  const remember = (latest: number, all: Revocation[]) => {
    version = latest
    items = all
    known = createRevocationList(all)
  }
  const load = async () => {
    const stored = await store.revocations.list(clock.now())
    remember(stored.version, stored.items.map(toRevocation))
    bytes = items.reduce((sum, item) => sum + bytesOf(item), 0)
  }
  const isFull = (item: Revocation): boolean =>
    items.length + adding.items >= MAX_REVOCATIONS ||
    bytes + adding.bytes + bytesOf(item) > MOST_BYTES

  /** @returns its version; known before anybody is told, so that no redeem comes between */
  const keep = async (stored: StoredRevocation, item: Revocation): Promise<number> => {
    const size = bytesOf(item)
    adding.items += 1
    adding.bytes += size
    try {
      const added = await store.revocations.add(stored)
      remember(Math.max(version, added), [...items, item])
      bytes += size
      return added
    } finally {
      adding.items -= 1
      adding.bytes -= size
    }
  }

  return {
    async revoke(request) {
      const stored = toStored(request, clock.now())
      const item = toRevocation(stored)
      assertReadable(revocationSet, { version, items: [item] })
      if (isFull(item)) await load()
      if (isFull(item)) {
        const detail = `There are ${items.length} revocations in force, and nodes can hold no more: revoke a tenant or a time instead.`
        throw new ApiError('unavailable', detail)
      }
      const added = await keep(stored, item)
      pushes.push({ type: 'revocations', version: added, items: [item], after: added - 1 })
      await store.redeems.burnRevoked(stored)
      const { id, kind, value, endSessions, askedBy } = stored
      log.info('token.revoked', { revocation: id, kind, value, endSessions, askedBy })
      return stored
    },
    list: async () => (await store.revocations.list(clock.now())).items,
    forVerifiers: async () => ({ version, items }),
    find: (token) => known.find(token),
    load,
    get version() {
      return version
    },
  }
}

function toStored(
  { kind, value, atMs, expiresAtMs, endSessions, note, askedBy }: RevokeRequest,
  nowMs: number,
): StoredRevocation {
  const untilMs = nowMs + (kind === 'jti' ? LONGEST_USE_MS : KEEP_MS)
  return {
    id: randomUUID(),
    kind,
    value,
    atMs: atMs ?? nowMs,
    untilMs: Math.max(untilMs, expiresAtMs ?? 0),
    endSessions,
    ...(note === undefined ? {} : { note }),
    askedBy,
  }
}

function toRevocation(stored: StoredRevocation): Revocation {
  const { id, kind, value, atMs, untilMs, endSessions } = stored
  return { id, kind, value, at: atMs, until: untilMs, endSessions }
}

function bytesOf(item: Revocation): number {
  return Buffer.byteLength(JSON.stringify(item)) + 1 /* comma */
}

import { type Clock, errorText, type Log } from '../../lib/index.ts'
import type { AuditRecord, Store } from '../../store/index.ts'
import type { Signer } from '../issuers.ts'
import { type AuditEntry, link } from './chain.ts'

/** The head is signed after so many records, or after a minute when there are any. */
export const CHECKPOINT_EVERY_RECORDS = 1_000
export const CHECKPOINT_EVERY_MS = 60_000
export const DEFAULT_KEEP_DAYS = 365
const DAY_MS = 24 * 60 * 60_000
/** Records of one statement. */
const MAX_BATCH = 64
/** Two writers meet rarely. */
const MAX_TRIES = 5

/** Who did what: append-only, each record bound to the one before by its hash. */
export interface Audit {
  /**
   * Resolves when it is kept; what it is about must not be answered before.
   *
   * @throws BrokerError `ERR_STORE`
   */
  record(entry: AuditEntry): Promise<void>
  /** Signs the last record, if that is new. */
  checkpoint(): Promise<void>
  /** Forgets what is too old, up to a checkpoint. */
  sweep(): Promise<void>
}

export interface AuditOptions {
  store: Pick<Store, 'audit'>
  /** Whose chain it is. */
  brokerName: string
  signer: Signer
  clock: Clock
  log: Log
  keepDays?: number
}

type TimedEntry = AuditEntry & Pick<AuditRecord, 'broker' | 'atMs'>

interface Waiting {
  entry: TimedEntry
  kept: PromiseWithResolvers<void>
}

export function createAudit(options: AuditOptions): Audit {
  const { store, brokerName, signer, clock, log, keepDays = DEFAULT_KEEP_DAYS } = options
  const waiting: Waiting[] = []
  /** The last record of the chain, unless only the store knows. */
  let known: AuditRecord | undefined
  let isWriting = false
  let signing: Promise<void> | undefined
  let unsigned = 0

  /** One batch at a time, so that each record is made when the one before it is kept. */
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MAX_BATCH)
      const before = known
      known = undefined
      try {
        known = await append(
          store,
          batch.map(({ entry }) => entry),
          before,
        )
        for (const { kept } of batch) kept.resolve()
        unsigned += batch.length
      } catch (error) {
        for (const { kept } of batch) kept.reject(error)
      }
    }
    isWriting = false
  }

  /** All records of one event-loop turn at once, and before its commit, so that they cost no other one. */
  const writeSoon = (): void => {
    if (isWriting) return
    isWriting = true
    setImmediate(() => void write())
  }

  const sign = async (): Promise<void> => {
    const last = await store.audit.last(brokerName)
    const covered = await store.audit.lastCheckpoint(brokerName)
    unsigned = 0
    if (last === undefined || last.seq === covered?.seq) return
    const { seq, hash } = last
    const atMs = clock.now()
    const iat = Math.floor(atMs / 1000)
    const text = await signer.current.signCheckpoint({ iss: brokerName, iat, seq, hash })
    await store.audit.addCheckpoint({ broker: brokerName, seq, hash, atMs, text })
    log.info('audit.checkpoint', { seq, hash, checkpoint: text })
  }

  const checkpoint = async (): Promise<void> => {
    signing ??= sign()
      .catch((error) => log.error('audit.failed', { work: 'checkpoint', error: errorText(error) }))
      .finally(() => {
        signing = undefined
      })
    await signing
  }

  return {
    async record(entry) {
      const kept = Promise.withResolvers<void>()
      waiting.push({ entry: { ...entry, broker: brokerName, atMs: clock.now() }, kept })
      writeSoon()
      await kept.promise
      if (unsigned >= CHECKPOINT_EVERY_RECORDS) void checkpoint()
    },
    checkpoint,
    async sweep() {
      await store.audit.forget(brokerName, clock.now() - keepDays * DAY_MS)
    },
  }
}

/** One record of somebody who has the store and no broker. @throws BrokerError `ERR_STORE` */
export async function recordAlone(
  { store, brokerName: broker, clock }: Pick<AuditOptions, 'store' | 'brokerName' | 'clock'>,
  entry: AuditEntry,
): Promise<void> {
  await append(store, [{ ...entry, broker, atMs: clock.now() }])
}

/**
 * Somebody else's record may have taken the number: then what is known of the last one is old.
 *
 * @param entries of one broker
 * @param known its last record; absent: only the store knows
 * @returns the new last record
 */
async function append(
  store: AuditOptions['store'],
  entries: readonly TimedEntry[],
  known?: AuditRecord,
  triesLeft = MAX_TRIES,
): Promise<AuditRecord | undefined> {
  const broker = entries[0]?.broker ?? ''
  const before = known ?? (await store.audit.last(broker))
  let last = before
  const records = entries.map((entry) => {
    last = link(last, entry)
    return last
  })
  try {
    await store.audit.append(records)
    return last
  } catch (error) {
    const isTaken = (await store.audit.last(broker))?.seq !== before?.seq
    if (!isTaken || triesLeft === 0) throw error
    return append(store, entries, undefined, triesLeft - 1)
  }
}

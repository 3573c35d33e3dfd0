import { createHash } from 'node:crypto'
import type { AuditRecord } from '../../store/index.ts'

/** What somebody did, before it has its place in the chain. */
export interface AuditEntry {
  /** `key:ID`, `user:ID`, `address:…` for who is not known, or `bootstrap` for who has made the first key. */
  actor: string
  /** The operation, as the OpenAPI document names it. */
  action: string
  /** What it was done to: the path of the API. */
  subject: string
  /** `done`, or the code that it was refused with. */
  outcome: string
  /** What support knows it by. */
  ref?: string
  /** JSON of what was asked for; secrets are not in it. */
  details?: string
}

/** `prev` of a broker's first record. */
export const NO_RECORD = '0'.repeat(64)

/** The record behind that one. @param last absent for the first of a broker */
export function link(
  last: Pick<AuditRecord, 'seq' | 'hash'> | undefined,
  entry: AuditEntry & Pick<AuditRecord, 'broker' | 'atMs'>,
): AuditRecord {
  const record = { ...entry, seq: (last?.seq ?? 0) + 1, prev: last?.hash ?? NO_RECORD }
  return { ...record, hash: hashOf(record) }
}

/**
 * SHA-256 of all of a record, in hex. As `prev` is part of it, the last hash covers every record before.
 * A change of this text needs another first word, and both have to be verifiable.
 */
export function hashOf(record: Omit<AuditRecord, 'hash'>): string {
  const { broker, seq, prev, atMs, actor, action, subject, outcome, ref, details } = record
  const text = JSON.stringify([
    ...['portcullis-audit-1', broker, seq, prev, atMs],
    ...[actor, action, subject, outcome, ref ?? null, details ?? null],
  ])
  return createHash('sha256').update(text).digest('hex')
}

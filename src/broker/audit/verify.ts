import type { AuditRecord } from '../../store/index.ts'
import { hashOf, NO_RECORD } from './chain.ts'

/** What a signed checkpoint says, its signature already verified. */
export interface Checkpoint {
  seq: number
  hash: string
  /** When it was signed. */
  atMs: number
}

export interface AuditVerifierOptions {
  /** What was signed after this time is not yet for retention to take; absent: nobody knows. */
  keptSinceMs?: number | undefined
}

export interface AuditVerdict {
  broker: string
  /** First and last record that are there; 0 for none. */
  first: number
  last: number
  /** The last record that a checkpoint covers. */
  signed: number
  /** What is wrong, worst first; empty when all is well. */
  findings: string[]
}

/** More of them say nothing new. */
const MAX_FINDINGS = 20

/** Verifies one broker's records as they come, in the order of their numbers: a million need no memory. */
export class AuditVerifier {
  readonly #broker: string
  /** By number; several of one number may differ, and then one is wrong. */
  readonly #checkpoints = new Map<number, string[]>()
  readonly #findings: string[] = []
  /** The last record of all checkpoints. */
  #signed = 0
  /** The first checkpoint whose record has to be there still. */
  readonly #kept: Checkpoint | undefined
  #first = 0
  #last: Pick<AuditRecord, 'seq' | 'hash'> | undefined

  constructor(
    broker: string,
    checkpoints: Iterable<Checkpoint>,
    { keptSinceMs = Infinity }: AuditVerifierOptions = {},
  ) {
    this.#broker = broker
    for (const checkpoint of checkpoints) {
      const { seq, hash, atMs } = checkpoint
      this.#checkpoints.set(seq, [...(this.#checkpoints.get(seq) ?? []), hash])
      this.#signed = Math.max(this.#signed, seq)
      if (atMs > keptSinceMs && seq < (this.#kept?.seq ?? Infinity)) this.#kept = checkpoint
    }
  }

  add(record: AuditRecord): void {
    const { seq, prev, hash } = record
    if (this.#last === undefined) this.#begin(record)
    else if (seq !== this.#last.seq + 1) this.#findGap(this.#last.seq, seq)
    else if (prev !== this.#last.hash) {
      this.#find(`record ${seq}: does not follow record ${seq - 1}, one was replaced or reordered`)
    }
    if (hashOf(record) !== hash) this.#find(`record ${seq}: was changed`)
    this.#compare(seq, hash)
    this.#last = { seq, hash }
  }

  /** After the last record. */
  finish(): AuditVerdict {
    const last = this.#last?.seq ?? 0
    const signed = this.#signed
    if (this.#kept !== undefined && this.#kept.seq < this.#first) {
      const { seq, atMs } = this.#kept
      const since = new Date(atMs).toISOString()
      this.#findings.unshift(
        `records 1 to ${this.#first - 1}: are gone before their time, record ${seq} was signed at ${since}`,
      )
    }
    if (signed > last) {
      this.#findings.unshift(`records ${last + 1} to ${signed}: the tail is cut`)
    }
    return {
      broker: this.#broker,
      ...{ first: this.#first, last, signed: Math.min(signed, last) },
      findings: this.#findings,
    }
  }

  /** Retention removes a beginning, up to a record that was signed. */
  #begin({ seq, prev }: AuditRecord): void {
    this.#first = seq
    if (seq === 1 && prev === NO_RECORD) return
    if (this.#checkpoints.get(seq - 1)?.includes(prev)) return
    this.#find(`records 1 to ${seq - 1}: are missing, and no checkpoint says that they were so`)
  }

  #findGap(before: number, seq: number): void {
    this.#find(
      seq > before
        ? `records ${before + 1} to ${seq - 1}: are missing`
        : `record ${seq}: comes after record ${before}`,
    )
  }

  #compare(seq: number, hash: string): void {
    const signed = this.#checkpoints.get(seq)
    if (signed === undefined || signed.every((one) => one === hash)) return
    this.#find(`record ${seq}: differs from a signed checkpoint; it, or some before, were replaced`)
  }

  #find(finding: string): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding)
  }
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AuditEntry, hashOf, link } from '../../../src/broker/audit/chain.ts'
import {
  AuditVerifier,
  type AuditVerifierOptions,
  type Checkpoint,
} from '../../../src/broker/audit/verify.ts'
import type { AuditRecord } from '../../../src/store/index.ts'

const ENTRY: AuditEntry = {
  ...{ actor: 'key:ops', action: 'putHost', subject: '/v1/hosts/hv1', outcome: 'done' },
}

function chain(length: number): AuditRecord[] {
  const records: AuditRecord[] = []
  for (let n = 0; n < length; n += 1) {
    records.push(link(records.at(-1), { ...ENTRY, broker: 'b1', atMs: 1_000 + n }))
  }
  return records
}

/** A checkpoint at each of these numbers. */
function signed(records: AuditRecord[], ...numbers: number[]): Checkpoint[] {
  return records.filter(({ seq }) => numbers.includes(seq))
}

function verify(
  records: AuditRecord[],
  checkpoints: Checkpoint[] = [],
  options: AuditVerifierOptions = {},
) {
  const verifier = new AuditVerifier('b1', checkpoints, options)
  for (const record of records) verifier.add(record)
  return verifier.finish()
}

/** All of the chain from there on made anew, as somebody would who knows how. */
function rebuilt(records: AuditRecord[]): AuditRecord[] {
  const made: AuditRecord[] = []
  for (const { seq: _, prev: __, hash: ___, ...entry } of records)
    made.push(link(made.at(-1), entry))
  return made
}

test('a chain that is whole has no findings, and says how much of it was signed', () => {
  const records = chain(9)
  expect(verify(records, signed(records, 4, 7))).toEqual({
    ...{ broker: 'b1', first: 1, last: 9, signed: 7, findings: [] },
  })
  expect(verify([])).toMatchObject({ first: 0, last: 0, findings: [] })
})

test.each(['actor', 'action', 'subject', 'outcome', 'ref', 'details', 'atMs', 'broker'] as const)(
  'a changed %s is found',
  (field) => {
    const records = chain(5)
    const changed = records.map((record) =>
      record.seq === 3 ? { ...record, [field]: field === 'atMs' ? 7 : 'other' } : record,
    )
    expect(verify(changed).findings).toEqual(['record 3: was changed'])
  },
)

test('a changed record with a hash that fits is found by the one behind it', () => {
  const records = chain(5)
  const changed = records.map((record) => {
    const other = { ...record, actor: 'key:other' }
    return record.seq === 3 ? { ...other, hash: hashOf(other) } : record
  })
  expect(verify(changed).findings).toEqual([expect.stringMatching(/^record 4: does not follow/)])
})

test('a missing record is found', () => {
  const records = chain(5).filter(({ seq }) => seq !== 3)
  expect(verify(records).findings).toEqual(['records 3 to 3: are missing'])
})

test('reordered records are found, with their numbers and without', () => {
  const [a, b, c, d] = chain(4)
  if (!(a && b && c && d)) throw new TypeError('four records')
  expect(verify([a, c, b, d]).findings).not.toEqual([])
  const swapped = [a, { ...c, seq: 2 }, { ...b, seq: 3 }, d]
  expect(verify(swapped).findings).toContain('record 2: was changed')
})

test('a cut tail is found by a checkpoint', () => {
  const records = chain(9)
  const { findings } = verify(records.slice(0, 6), signed(records, 4, 8))
  expect(findings).toEqual(['records 7 to 8: the tail is cut'])
  expect(verify([], signed(records, 8)).findings).toEqual(['records 1 to 8: the tail is cut'])
})

test('a chain that was made anew is found by a checkpoint', () => {
  const records = chain(9)
  const forged = rebuilt(
    records.map((record) => (record.seq === 3 ? { ...record, actor: 'x' } : record)),
  )
  expect(verify(forged).findings).toEqual([])
  expect(verify(forged, signed(records, 2, 8)).findings).toEqual([
    expect.stringMatching(/^record 8: differs from a signed checkpoint/),
  ])
})

test('a beginning may be gone up to a checkpoint, and nowhere else', () => {
  const records = chain(9)
  const rest = records.slice(4)
  expect(verify(rest, signed(records, 4, 8))).toMatchObject({ first: 5, findings: [] })
  expect(verify(rest, signed(records, 3, 8)).findings).toEqual([
    expect.stringMatching(/^records 1 to 4: are missing/),
  ])
})

test('a beginning that was signed too lately for retention is found missing', () => {
  const records = chain(9)
  const rest = records.slice(4)
  const checkpoints = signed(records, 2, 4, 8)
  const signedAtMs = records[3]?.atMs ?? 0
  expect(verify(rest, checkpoints, { keptSinceMs: signedAtMs }).findings).toEqual([])
  expect(verify(rest, checkpoints, { keptSinceMs: signedAtMs - 1 }).findings).toEqual([
    'records 1 to 4: are gone before their time, record 4 was signed at 1970-01-01T00:00:01.003Z',
  ])
  expect(verify(records, checkpoints, { keptSinceMs: 0 }).findings).toEqual([])
})

test('whatever is dropped, doubled or changed in a signed chain is found', () => {
  const records = chain(12)
  const checkpoints = signed(records, 12)
  fc.assert(
    fc.property(
      // Behind the checkpoint anything may come.
      fc.nat(10),
      fc.constantFrom('drop', 'double', 'change', 'swap'),
      fc.boolean(),
      (at, damage, repairs) => {
        const bad = [...records]
        const here = records[at]
        const next = records[(at + 1) % 12]
        if (here === undefined || next === undefined) return
        if (damage === 'drop') bad.splice(at, 1)
        if (damage === 'double') bad.splice(at, 0, here)
        if (damage === 'change') bad[at] = { ...here, outcome: 'other' }
        if (damage === 'swap') [bad[at], bad[(at + 1) % 12]] = [next, here]
        expect(verify(repairs ? rebuilt(bad) : bad, checkpoints).findings).not.toEqual([])
      },
    ),
  )
})

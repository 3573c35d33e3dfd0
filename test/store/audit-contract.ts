import { expect, test } from 'vitest'
import type { AuditRecord, Store } from '../../src/store/index.ts'

const NOW_MS = Date.UTC(2030, 0, 1)

function record(seq: number, change: Partial<AuditRecord> = {}): AuditRecord {
  return {
    ...{ broker: 'b1', seq, prev: '0'.repeat(64), hash: 'a'.repeat(64), atMs: NOW_MS + seq },
    ...{ actor: 'key:ops', action: 'putHost', subject: '/v1/hosts/hv1', outcome: 'done' },
    ...change,
  }
}

const numbers = (records: AuditRecord[]) => records.map(({ broker, seq }) => `${broker}/${seq}`)

/** The part of the contract that is about who did what. */
export function auditContract(store: () => Store): void {
  test('an audit gives back what was appended, chain by chain, page by page', async () => {
    const { audit } = store()
    // The order of its fields is of no account.
    const full = { details: '{"kind":"rdp"}', ref: '7K3M-Q2XD', ...record(2) }
    await audit.append([record(1, { broker: 'b2' })])
    await audit.append([record(1), full, record(3)])
    expect(await audit.last('b1')).toEqual(record(3))
    expect(await audit.last('b3')).toBeUndefined()
    expect(await audit.list({ limit: 2 })).toEqual([record(1), full])
    const after = { broker: 'b1', seq: 2 }
    expect(numbers(await audit.list({ limit: 9, after }))).toEqual(['b1/3', 'b2/1'])
    expect(numbers(await audit.list({ limit: 2, newest: true }))).toEqual(['b1/3', 'b1/2'])
  })

  test('an audit is searched by who, what and reference', async () => {
    const { audit } = store()
    const changes = [{ actor: 'user:ann' }, { action: 'deleteHost' }, { ref: '7K3M-Q2XD' }]
    await audit.append(changes.map((change, index) => record(index + 1, change)))
    expect(numbers(await audit.list({ limit: 9, actor: 'user:ann' }))).toEqual(['b1/1'])
    expect(numbers(await audit.list({ limit: 9, action: 'deleteHost' }))).toEqual(['b1/2'])
    expect(numbers(await audit.list({ limit: 9, ref: '7K3M-Q2XD' }))).toEqual(['b1/3'])
  })

  test('a number that is taken is refused, and all that came with it', async () => {
    const { audit } = store()
    await audit.append([record(1)])
    const two = [record(2), record(1)]
    await expect(audit.append(two)).rejects.toMatchObject({ code: 'ERR_STORE' })
    expect(numbers(await audit.list({ limit: 9 }))).toEqual(['b1/1'])
  })

  test('more records than one statement takes are appended at once', async () => {
    const { audit } = store()
    await audit.append(Array.from({ length: 500 }, (_, index) => record(index + 1)))
    expect((await audit.last('b1'))?.seq).toBe(500)
  })

  test('an audit is forgotten up to a checkpoint, which stays', async () => {
    const { audit } = store()
    await audit.append(Array.from({ length: 6 }, (_, index) => record(index + 1)))
    const checkpoints = [2, 4, 5].map((seq) => ({
      ...{ broker: 'b1', seq, hash: 'a'.repeat(64), atMs: NOW_MS + seq, text: 'signed' },
    }))
    for (const checkpoint of checkpoints) await audit.addCheckpoint(checkpoint)
    expect(await audit.lastCheckpoint('b1')).toEqual(checkpoints[2])
    await audit.forget('b1', NOW_MS)
    expect(await audit.list({ limit: 9 })).toHaveLength(6)
    await audit.forget('b1', NOW_MS + 5)
    expect(numbers(await audit.list({ limit: 9 }))).toEqual(['b1/5', 'b1/6'])
    expect(await audit.listCheckpoints({ limit: 9 })).toEqual(checkpoints.slice(1))
    const after = { broker: 'b1', seq: 4 }
    expect(await audit.listCheckpoints({ limit: 9, after })).toEqual(checkpoints.slice(2))
  })
}

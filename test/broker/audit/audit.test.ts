import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Audit, createAudit } from '../../../src/broker/audit/audit.ts'
import { AuditVerifier } from '../../../src/broker/audit/verify.ts'
import { createLog } from '../../../src/lib/index.ts'
import { openSqliteStore, type Store } from '../../../src/store/index.ts'
import { type Issuer, verifyAuditCheckpoint } from '../../../src/tokens/index.ts'
import { makeIssuer, NOW_MS } from '../support.ts'

const ENTRY = { actor: 'key:ops', action: 'putHost', subject: '/v1/hosts/hv1', outcome: 'done' }
const DAY_MS = 24 * 60 * 60_000
let nowMs: number
let store: Store
let issuer: Issuer
let audit: Audit
let lines: Record<string, unknown>[]

function open(): Audit {
  const log = createLog({ stream: { write: (line: string) => void lines.push(JSON.parse(line)) } })
  const clock = { now: () => nowMs }
  const signer = { current: issuer }
  return createAudit({ store, brokerName: 'b1', signer, clock, log, keepDays: 2 })
}

beforeEach(async () => {
  nowMs = NOW_MS
  lines = []
  store = await openSqliteStore({ file: ':memory:' })
  issuer ??= await makeIssuer('Audit')
  audit = open()
})
afterEach(() => store.close())

const record = (count: number, by = audit) =>
  Promise.all(Array.from({ length: count }, () => by.record(ENTRY)))

async function verified() {
  const checkpoints = await store.audit.listCheckpoints({ limit: 99 })
  const verifier = new AuditVerifier('b1', checkpoints)
  for (const one of await store.audit.list({ limit: 9_999 })) verifier.add(one)
  return verifier.finish()
}

test('records that come together make one chain, and so does what another process adds', async () => {
  await record(700)
  await record(3)
  await record(2, open())
  expect(await verified()).toMatchObject({ first: 1, last: 705, findings: [] })
})

test('two processes that write one chain at the same moment still make one', async () => {
  const other = open()
  await Promise.all([record(20), record(20, other), record(20), record(20, other)])
  expect(await verified()).toMatchObject({ last: 80, findings: [] })
})

test('what cannot be kept is not said to be, and what comes later is', async () => {
  const append = store.audit.append
  store.audit.append = () => Promise.reject(new Error('disk full'))
  await expect(audit.record(ENTRY)).rejects.toThrow('disk full')
  store.audit.append = append
  await audit.record(ENTRY)
  expect(await verified()).toMatchObject({ last: 1, findings: [] })
})

test('the last record is signed once, into the store and into the log', async () => {
  await audit.checkpoint()
  await record(3)
  await audit.checkpoint()
  await audit.checkpoint()
  const [checkpoint, ...more] = await store.audit.listCheckpoints({ limit: 9 })
  expect(more).toEqual([])
  expect(verifyAuditCheckpoint(checkpoint?.text ?? '', [issuer.certificate])).toEqual({
    ...{ iss: 'b1', iat: NOW_MS / 1000, seq: 3, hash: (await store.audit.last('b1'))?.hash },
  })
  expect(lines).toMatchObject([{ event: 'audit.checkpoint', seq: 3, checkpoint: checkpoint?.text }])
  // Every line of a broker's log has its name already.
  expect(lines[0]).not.toHaveProperty('broker')
})

test('after a thousand records it is signed without being asked', async () => {
  await record(999)
  expect(await store.audit.lastCheckpoint('b1')).toBeUndefined()
  await record(1)
  await audit.checkpoint()
  expect((await store.audit.lastCheckpoint('b1'))?.seq).toBe(1_000)
  expect(lines).toHaveLength(1)
})

test('a checkpoint that cannot be signed is a line at level error, and nothing else', async () => {
  issuer = { ...issuer, signCheckpoint: () => Promise.reject(new Error('no key')) }
  audit = open()
  await record(1)
  await audit.checkpoint()
  expect(lines).toMatchObject([{ level: 'error', event: 'audit.failed', error: 'no key' }])
  issuer = await makeIssuer('Audit')
})

test('retention takes what is older than its days, up to a checkpoint, and the rest is whole', async () => {
  await record(3)
  await audit.checkpoint()
  await record(2)
  nowMs += DAY_MS
  await audit.checkpoint()
  await record(2)
  nowMs += DAY_MS + 1
  await audit.sweep()
  expect(await verified()).toMatchObject({ first: 4, last: 7, signed: 5, findings: [] })
})

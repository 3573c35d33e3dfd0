import { beforeEach, expect, test } from 'vitest'
import type { AuditEntry } from '../../../src/broker/audit/chain.ts'
import { createTally, type Tally } from '../../../src/broker/audit/tally.ts'
import { createLog } from '../../../src/lib/index.ts'
import { NOW_MS } from '../support.ts'

let nowMs: number
let recorded: AuditEntry[]
let record: (entry: AuditEntry) => Promise<void>
let lines: Record<string, unknown>[]
let tally: Tally

const WHAT = { action: 'authenticate', subject: '/v1', outcome: 'unauthorized' }
const refuse = (address: string) => tally.refused({ actor: `address:${address}`, ...WHAT })

beforeEach(() => {
  nowMs = NOW_MS
  recorded = []
  lines = []
  record = async (entry) => void recorded.push(entry)
  const log = createLog({ stream: { write: (line: string) => void lines.push(JSON.parse(line)) } })
  tally = createTally({
    audit: { record: (entry) => record(entry) },
    clock: { now: () => nowMs },
    log,
  })
})

test('the first of a minute is a record at once, those like it are one more', async () => {
  const entry = { actor: 'user:ann', action: 'signIn', subject: '/sign-in', outcome: 'done' }
  const from = (remoteAddress: string) => tally.record({ ...entry, details: { remoteAddress } })
  await from('192.0.2.7')
  await from('192.0.2.7')
  await from('192.0.2.8')
  await from('192.0.2.7')
  expect(recorded.map(({ details = '' }) => JSON.parse(details))).toEqual([
    { remoteAddress: '192.0.2.7' },
    { remoteAddress: '192.0.2.8' },
  ])
  await tally.flush()
  expect(recorded.slice(2)).toEqual([
    { ...entry, details: JSON.stringify({ remoteAddress: '192.0.2.7', repeated: 2 }) },
  ])
  await tally.flush()
  expect(recorded).toHaveLength(3)
  await from('192.0.2.7')
  expect(recorded).toHaveLength(4)
})

test('a flood from everywhere is counted as a whole, and keeps nobody else out', async () => {
  for (let index = 0; index < 10_000; index += 1) refuse(`192.0.${index >> 8}.${index & 255}`)
  await tally.record({ actor: 'user:ann', action: 'signIn', subject: '/sign-in', outcome: 'done' })
  expect(recorded).toHaveLength(502)
  expect(recorded.at(-2)).toEqual({ actor: 'address:others', ...WHAT })
  await tally.flush()
  const details = JSON.stringify({ repeated: 9_499 })
  expect(recorded.slice(502)).toEqual([{ actor: 'address:others', ...WHAT, details }])

  nowMs += 60_000
  for (let index = 0; index < 100; index += 1) refuse(`198.51.100.${index}`)
  expect(recorded.slice(503)).toHaveLength(7)
})

test('a sign-in that cannot be recorded fails, a refusal stays one and the log says so', async () => {
  record = () => Promise.reject(new Error('disk full'))
  const entry = { actor: 'user:ann', action: 'signIn', subject: '/sign-in', outcome: 'done' }
  await expect(tally.record(entry)).rejects.toThrow('disk full')
  refuse('192.0.2.7')
  refuse('192.0.2.7')
  await tally.flush()
  expect(lines).toMatchObject([
    { event: 'audit.failed', error: 'disk full' },
    { event: 'audit.failed', error: 'disk full' },
  ])
})

test('what is chosen to be refused is named, and of a flood counted as a whole', async () => {
  const pattern = '/v1/users/{id}'
  const what = { actor: 'key:shop', action: 'deleteUser', outcome: 'forbidden' }
  const refuseUser = (user: number) =>
    tally.refused({ ...what, subject: `/v1/users/u${user}`, pattern })
  for (let user = 0; user < 10_000; user += 1) refuseUser(user)
  refuseUser(1)
  expect(recorded).toHaveLength(501)
  expect(recorded[1]).toEqual({ ...what, subject: '/v1/users/u1' })
  expect(recorded[500]).toEqual({ ...what, subject: pattern })
  await tally.flush()
  expect(recorded.slice(501).map(({ details = '' }) => JSON.parse(details))).toEqual([
    { repeated: 1 },
    { repeated: 9_499 },
  ])
})

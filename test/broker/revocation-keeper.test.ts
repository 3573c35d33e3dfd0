import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createPushes } from '../../src/broker/pushes.ts'
import { createRevocationKeeper, type RevokeRequest } from '../../src/broker/revocation-keeper.ts'
import { encodeMessage } from '../../src/control/codec.ts'
import { MAX_BYTES_TO_NODE } from '../../src/control/index.ts'
import { silentLog } from '../../src/lib/index.ts'
import { openSqliteStore, type Store, type StoredRevocation } from '../../src/store/index.ts'
import { NOW_MS } from './support.ts'

/** As long as one can be, and as many bytes. */
const LONG = '語'.repeat(128)
const REQUEST: RevokeRequest = {
  kind: 'user',
  value: LONG,
  endSessions: false,
  askedBy: 'key:desk',
}

let store: Store

beforeEach(async () => {
  store = await openSqliteStore({ file: ':memory:' })
})
afterEach(() => store.close())

function stored(n: number): StoredRevocation {
  const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
  return { ...REQUEST, id, atMs: NOW_MS, untilMs: NOW_MS + 1 }
}

test('takes no more than nodes can be told at once, however few that are', async () => {
  const clock = { now: () => NOW_MS }
  const keeper = createRevocationKeeper({ store, pushes: createPushes(), clock, log: silentLog })
  const { kind, value, endSessions } = REQUEST
  const { id } = stored(0)
  const item = { id, kind, value, at: NOW_MS, until: NOW_MS, endSessions }
  const most = Math.floor(MAX_BYTES_TO_NODE / (JSON.stringify(item).length + 2 * LONG.length))
  const items = Array.from({ length: most - 60 }, (_, n) => stored(n))
  vi.spyOn(store.revocations, 'list').mockImplementation(async () => ({
    version: items.length,
    items: [...items],
  }))
  vi.spyOn(store.revocations, 'add').mockImplementation(async (revocation) =>
    items.push(revocation),
  )
  await keeper.load()
  const asked = Array.from({ length: 100 }, () => keeper.revoke(REQUEST))
  const refused = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected')
  expect(refused[0]).toMatchObject({
    reason: {
      problem: 'unavailable',
      message: expect.stringMatching(/^There are \d+ revocations in force, and nodes can hold no/),
    },
  })
  expect(refused.length).toBeLessThan(asked.length)
  const message = encodeMessage({ type: 'revocations', ...(await keeper.forVerifiers()) })
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_BYTES_TO_NODE)
})

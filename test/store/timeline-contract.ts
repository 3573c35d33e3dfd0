import { expect, test } from 'vitest'
import type { Store, TimelineEntry } from '../../src/store/index.ts'

const NOW_MS = Date.UTC(2030, 0, 1)
const MANY = { verified: 10, others: 10 }

function entry(id: string, change: Partial<TimelineEntry> = {}): TimelineEntry {
  return {
    ...{ id, subject: 'j1', atMs: NOW_MS, event: 'token.redeemed', verified: true, body: '{}' },
    ...change,
  }
}

/** The part of the contract that is about what support looks up. */
export function timelineContract(store: () => Store): void {
  test('a timeline is in the order of time, then of writing', async () => {
    const { timeline } = store()
    const late = entry('a', { atMs: NOW_MS + 1, event: 'session.closed' })
    // The order of its fields is of no account.
    const first = { ref: '7K3M-Q2XD', ...entry('b', { verified: false }) }
    const second = entry('c')
    await timeline.add([late, second, first, entry('d', { subject: 'j2' })], MANY)
    expect(await timeline.list('j1')).toEqual([first, second, late])
    expect(await timeline.list('j3')).toEqual([])
  })

  test('a reference leads to the subject of its newest line', async () => {
    const { timeline } = store()
    const [ref, subject] = ['7K3M-Q2XD', 'j2']
    await timeline.add([entry('a', { ref }), entry('b', { ref, subject })], MANY)
    expect(await timeline.findSubject('7K3M-Q2XD')).toBe('j2')
    expect(await timeline.findSubject('0000-0000')).toBeUndefined()
  })

  test('takes more lines at once than one statement does', async () => {
    const { timeline } = store()
    const lines = Array.from({ length: 131 }, (_, n) => entry(`${n}`, { subject: `j${n % 14}` }))
    await timeline.add(lines, MANY)
    expect(await timeline.list('j0')).toHaveLength(10)
    expect(await timeline.list('j13')).toHaveLength(9)
  })

  test('past its most a subject takes no more lines, strangers apart from the others', async () => {
    const { timeline } = store()
    const most = { verified: 2, others: 3 }
    const strangers = ['a', 'b', 'c', 'd'].map((id) => entry(id, { verified: false }))
    await timeline.add(strangers, most)
    await timeline.add([entry('e')], most)
    await timeline.add([entry('f'), entry('g'), entry('h', { subject: 'j2' })], most)
    await timeline.add([entry('i', { verified: false })], most)
    expect((await timeline.list('j1')).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'e', 'f'])
    expect(await timeline.list('j2')).toHaveLength(1)
  })

  test('forgets what is old, and the oldest of too many from strangers', async () => {
    const { timeline } = store()
    const strangers = ['c', 'd', 'e'].map((id) => entry(id, { verified: false }))
    await timeline.add([entry('a', { atMs: NOW_MS - 1 }), entry('b'), ...strangers], MANY)
    await timeline.trim({ beforeMs: NOW_MS, mostUnverified: 2 })
    expect((await timeline.list('j1')).map(({ id }) => id)).toEqual(['b', 'd', 'e'])
  })
}

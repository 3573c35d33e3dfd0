import { expect, test } from 'vitest'
import type { Store, TimelineEntry } from '../../src/store/index.ts'

const NOW_MS = Date.UTC(2030, 0, 1)

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
    const first = entry('b', { ref: '7K3M-Q2XD', verified: false })
    const second = entry('c')
    for (const one of [late, second, first, entry('d', { subject: 'j2' })]) {
      await timeline.add(one, 10)
    }
    expect(await timeline.list('j1')).toEqual([first, second, late])
    expect(await timeline.list('j3')).toEqual([])
  })

  test('a reference leads to the subject of its newest line', async () => {
    const { timeline } = store()
    await timeline.add(entry('a', { ref: '7K3M-Q2XD' }), 10)
    await timeline.add(entry('b', { ref: '7K3M-Q2XD', subject: 'j2' }), 10)
    expect(await timeline.findSubject('7K3M-Q2XD')).toBe('j2')
    expect(await timeline.findSubject('0000-0000')).toBeUndefined()
  })

  test('past its most a subject takes no more lines, strangers apart from the others', async () => {
    const { timeline } = store()
    for (const id of ['a', 'b', 'c']) await timeline.add(entry(id, { verified: false }), 2)
    await timeline.add(entry('d'), 2)
    expect((await timeline.list('j1')).map(({ id }) => id)).toEqual(['a', 'b', 'd'])
  })

  test('forgets what is old, and the oldest of too many from strangers', async () => {
    const { timeline } = store()
    await timeline.add(entry('a', { atMs: NOW_MS - 1 }), 10)
    await timeline.add(entry('b'), 10)
    for (const id of ['c', 'd', 'e']) await timeline.add(entry(id, { verified: false }), 10)
    await timeline.trim({ beforeMs: NOW_MS, mostUnverified: 2 })
    expect((await timeline.list('j1')).map(({ id }) => id)).toEqual(['b', 'd', 'e'])
  })
}

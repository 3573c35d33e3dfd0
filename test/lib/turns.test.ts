import { expect, test } from 'vitest'
import { Turns } from '../../src/lib/index.ts'

test('so many pieces of work go on at once, the others in their order', async () => {
  const turns = new Turns(2)
  const begun: number[] = []
  const ends: PromiseWithResolvers<void>[] = []
  const all = Array.from({ length: 5 }, (_, n) =>
    turns.take(() => {
      begun.push(n)
      const end = Promise.withResolvers<void>()
      ends.push(end)
      return end.promise
    }),
  )
  expect(begun).toEqual([0, 1])
  ends[1]?.resolve()
  await all[1]
  expect(begun).toEqual([0, 1, 2])
  ends[0]?.resolve()
  ends[2]?.resolve()
  await Promise.all([all[0], all[2]])
  expect(begun).toEqual([0, 1, 2, 3, 4])
  for (const { resolve } of ends) resolve()
  await Promise.all(all)
})

test('work that fails gives its turn to the next, and results go to who asked', async () => {
  const turns = new Turns(1)
  const fails = turns.take(() => Promise.reject(new Error('no')))
  const works = turns.take(async () => 'yes')
  await expect(fails).rejects.toThrow('no')
  expect(await works).toBe('yes')
  expect(await turns.take(async () => 'again')).toBe('again')
})

import { expect, test } from 'vitest'
import { plural } from '../../src/lib/index.ts'

test('only one of them is without an s', () => {
  expect([0, 1, 2].map((count) => plural(count, 'error'))).toEqual([
    '0 errors',
    '1 error',
    '2 errors',
  ])
})

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTrace } from '../../src/cli/packet-trace.ts'
import { writeFiles } from './run-command.ts'

test('writes a new file, for its owner alone', () => {
  const path = join(writeFiles({}).directory, 'trace.txt')
  const write = openTrace(path, { development: true })
  write('one')
  write('two')
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(() => openTrace(path, { development: true })).toThrow(/^--trace .*trace\.txt: /)
})

test('does nothing in earnest', () => {
  const path = join(writeFiles({}).directory, 'trace.txt')
  expect(() => openTrace(path, { development: false })).toThrow(
    '--trace: needs `development: true` in the configuration',
  )
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
})

test('stops when the file is large', () => {
  const path = join(writeFiles({}).directory, 'trace.txt')
  const write = openTrace(path, { development: true })
  const megabyte = 'x'.repeat(1024 * 1024 - 1)
  for (let count = 0; count < 70; count += 1) write(megabyte)
  const text = readFileSync(path, 'utf8')
  expect(text.length).toBeLessThan(65 * 1024 * 1024)
  expect(text.endsWith('\nfull: 67108864 bytes\n')).toBe(true)
})

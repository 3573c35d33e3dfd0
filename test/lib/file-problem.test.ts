import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fileProblem } from '../../src/lib/index.ts'

const problemOf = (read: () => unknown): string | undefined => {
  try {
    read()
    return undefined
  } catch (error) {
    return fileProblem(error)
  }
}

test('says in words what is wrong with a path, and leaves other errors as they are', () => {
  expect(problemOf(() => readFileSync('/nonexistent'))).toBe('there is no such file or directory')
  expect(problemOf(() => readFileSync('/'))).toBe('it is a directory')
  expect(problemOf(() => readFileSync('/dev/null/a'))).toBe('a part of its path is no directory')
  expect(fileProblem(new Error('too many'))).toBe('too many')
})

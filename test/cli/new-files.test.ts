import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeNewDirectory, writeNewFiles } from '../../src/cli/new-files.ts'
import { filesIn, workDirectory } from './certs-farm.ts'

test('writes all files, secrets for their owner alone', () => {
  const directory = workDirectory()
  const [key, crt] = [join(directory, 'a.key'), join(directory, 'a.crt')]
  writeNewFiles([
    { path: key, content: 'key', secret: true },
    { path: crt, content: new Uint8Array([1, 2]) },
  ])
  expect(statSync(key).mode & 0o777).toBe(0o600)
  expect(readFileSync(crt)).toEqual(Buffer.from([1, 2]))
  expect(filesIn(directory)).toEqual(['a.crt', 'a.key'])
})

test('writes none when one is there, even as a dangling link', () => {
  const directory = workDirectory()
  symlinkSync(join(directory, 'nowhere'), join(directory, 'b'))
  const files = ['a', 'b', 'c'].map((name) => ({ path: join(directory, name), content: name }))
  expect(() => writeNewFiles(files)).toThrow('b: is there already and stays as it is')
  expect(filesIn(directory)).toEqual(['b'])
})

test('writes none when one cannot be written', () => {
  const directory = workDirectory()
  expect(() =>
    writeNewFiles([
      { path: join(directory, 'a'), content: '' },
      { path: join(directory, 'missing', 'b'), content: '' },
    ]),
  ).toThrow(/missing\/b: there is no such file or directory/)
  expect(filesIn(directory)).toEqual([])
})

test('a directory takes the place of an empty one only', () => {
  const parent = workDirectory()
  const target = join(parent, 'new')
  writeNewDirectory(target, [{ path: 'inner/file', content: 'x', secret: true }])
  expect(filesIn(target)).toEqual(['inner', 'inner/file'])
  expect(() => writeNewDirectory(target, [])).toThrow('is there already')
  writeFileSync(join(parent, 'file'), '')
  expect(() => writeNewDirectory(join(parent, 'file'), [])).toThrow('is there already')
  expect(filesIn(parent)).toEqual(['file', 'new', 'new/inner', 'new/inner/file'])
})

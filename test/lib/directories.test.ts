import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeDirectory } from '../../src/lib/index.ts'

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-directories-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

test('makes every level that is missing, with the same mode', () => {
  const directory = join(scratch(), 'a', 'b')
  makeDirectory(directory, 0o700)
  makeDirectory(directory)
  for (const made of [directory, join(directory, '..')]) {
    expect(statSync(made).mode & 0o777).toBe(0o700)
  }
})

test('says so where a file is in the way', () => {
  const file = join(scratch(), 'file')
  writeFileSync(file, '')
  expect(() => makeDirectory(file)).toThrow('EEXIST')
  expect(() => makeDirectory(join(file, 'data'))).toThrow(`'${file}`)
})

test.runIf(existsSync('/proc/self'))('says so where the system makes no directories', () => {
  expect(() => makeDirectory('/proc/portcullis/data')).toThrow("mkdir '/proc/portcullis'")
})

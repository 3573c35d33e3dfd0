import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { print, printFields, printJson, printTable, say } from '../../src/cli/output.ts'

let written: string

beforeEach(() => {
  written = ''
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written += String(text)
      return true
    })
  }
})
afterEach(() => vi.restoreAllMocks())

/** A title for the window, a cleared screen, a line over the line, a C1 command, a turned direction. */
const HOSTILE = '1.0\u001b]0;pwned\u0007\u001b[2J\rgw0\u009b2J\u202eready'
const STEERING = /\r(?!\n)|[^\P{Cc}\n]|\p{Bidi_Control}/u

test.each([
  ['values', () => print(HOSTILE)],
  ['talk', () => say(HOSTILE)],
  ['tables', () => printTable(['NODE'], [[HOSTILE]])],
  ['fields', () => printFields([['Node', HOSTILE]])],
  ['JSON', () => printJson({ software: HOSTILE })],
])('%s that somebody else has written do not steer the terminal', (_what, write) => {
  write()
  expect(written).toContain('pwned')
  expect(written).not.toMatch(STEERING)
})

test('lines, also those of Windows, and tabs stay as they are', () => {
  print('one\r\ntwo\tthree\n')
  expect(written).toBe('one\r\ntwo\tthree\n')
})

test('JSON says the same value as before', () => {
  const value = { software: `${HOSTILE}\u007f ä 😀` }
  printJson(value)
  expect(JSON.parse(written)).toEqual(value)
})

test('a cell or a field is one line', () => {
  printTable(['NODE', 'STATE'], [['gw1\ngw2', 'ready']])
  printFields([['State', 'ready\nTrust  9']])
  expect(written.split('\n')).toEqual([
    'NODE     STATE',
    'gw1 gw2  ready',
    'State  ready Trust  9',
    '',
  ])
})

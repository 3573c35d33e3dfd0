import { expect, test } from 'vitest'
import { Keyboard } from '../../../src/demo/host/keyboard.ts'

const SHIFT = 0x2a
const key = (code: number, { released = false, extended = false } = {}) =>
  ({ kind: 'scancode', code, extended, released }) as const
const text = (value: string) => ({ kind: 'text', text: value })

test.each([
  [0x1e, 'a', 'A'],
  [0x02, '1', '!'],
  [0x0c, '-', '_'],
  [0x0d, '=', '+'],
  [0x1b, ']', '}'],
  [0x28, "'", '"'],
  [0x29, '`', '~'],
  [0x2b, '\\', '|'],
  [0x32, 'm', 'M'],
  [0x35, '/', '?'],
  [0x39, ' ', ' '],
  [0x53, '.', '.'],
])('scan code %i is %s, with shift %s', (code, plain, shifted) => {
  const keyboard = new Keyboard()
  expect(keyboard.press(key(code))).toEqual(text(plain))
  keyboard.press(key(SHIFT))
  expect(keyboard.press(key(code))).toEqual(text(shifted))
  keyboard.press(key(SHIFT, { released: true }))
  expect(keyboard.press(key(code))).toEqual(text(plain))
})

test('releases and modifiers type nothing', () => {
  const keyboard = new Keyboard()
  expect(keyboard.press(key(0x1e, { released: true }))).toBeUndefined()
  for (const code of [SHIFT, 0x36, 0x1d, 0x38, 0x3a]) {
    expect(keyboard.press(key(code))).toBeUndefined()
  }
})

test('one of two shift keys is enough', () => {
  const keyboard = new Keyboard()
  keyboard.press(key(SHIFT))
  keyboard.press(key(0x36))
  keyboard.press(key(SHIFT, { released: true }))
  expect(keyboard.press(key(0x1e))).toEqual(text('A'))
})

test('Enter and Backspace are keystrokes of their own, on the keypad too', () => {
  const keyboard = new Keyboard()
  expect(keyboard.press(key(0x1c))).toEqual({ kind: 'enter' })
  expect(keyboard.press(key(0x1c, { extended: true }))).toEqual({ kind: 'enter' })
  expect(keyboard.press(key(0x0e))).toEqual({ kind: 'backspace' })
})

test('other keys show their name, or their code', () => {
  const keyboard = new Keyboard()
  expect(keyboard.press(key(0x3f))).toEqual(text('<F5>'))
  expect(keyboard.press(key(0x4b, { extended: true }))).toEqual(text('<Left>'))
  expect(keyboard.press(key(0x35, { extended: true }))).toEqual(text('/'))
  expect(keyboard.press(key(0x7d))).toEqual(text('<7d>'))
  expect(keyboard.press(key(0x5b, { extended: true }))).toEqual(text('<e05b>'))
})

test('of Unicode only printable ASCII is shown', () => {
  const keyboard = new Keyboard()
  const unicode = (codeUnit: number, released = false) =>
    keyboard.press({ kind: 'unicode', codeUnit, released })
  expect(unicode(0x41)).toEqual(text('A'))
  expect(unicode(0x41, true)).toBeUndefined()
  expect(unicode(0xe9)).toBeUndefined()
  expect(unicode(0x1b)).toBeUndefined()
  expect(unicode(0x0d)).toEqual({ kind: 'enter' })
})

import { expect, test } from 'vitest'
import { Echo } from '../../../src/demo/host/echo.ts'

const text = (value: string) => ({ kind: 'text', text: value }) as const

test('Backspace takes back the last key as a whole', () => {
  const echo = new Echo()
  for (const value of ['l', 's', '<F5>']) echo.take(text(value))
  expect(echo.text).toBe('ls<F5>')
  echo.take({ kind: 'backspace' })
  expect(echo.text).toBe('ls')
})

test('Enter empties the line', () => {
  const echo = new Echo()
  echo.take(text('x'))
  echo.take({ kind: 'enter' })
  echo.take({ kind: 'backspace' })
  expect(echo.text).toBe('')
})

test('keeps the last 60 characters', () => {
  const echo = new Echo()
  for (let count = 0; count < 500; count += 1) echo.take(text(String(count % 10)))
  expect(echo.text).toHaveLength(60)
  expect(echo.text.endsWith('789')).toBe(true)
})

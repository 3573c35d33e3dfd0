import { expect, test } from 'vitest'
import { nearest } from '../../src/config/nearest.ts'

test('finds the word that was meant', () => {
  const known = ['listen', 'listeners', 'tls', 'trust']
  expect(nearest('lisen', known)).toBe('listen')
  expect(nearest('LISTENER', known)).toBe('listeners')
  expect(nearest('tsl', known)).toBe('tls')
  expect(nearest('certificate', ['certificateFile'])).toBe('certificateFile')
})

test('guesses nothing when no word is near', () => {
  expect(nearest('certificate', ['listen', 'tls'])).toBeUndefined()
  expect(nearest('x', [])).toBeUndefined()
})

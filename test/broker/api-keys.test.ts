import { expect, test } from 'vitest'
import { apiKeyId, createApiKey, secretSha256 } from '../../src/broker/api-keys.ts'
import { Secret } from '../../src/lib/index.ts'

test('a new key names its id and is never the same', () => {
  const key = createApiKey('panel')
  expect(key.reveal()).toMatch(/^pck_panel_[\w-]{43}$/)
  expect(apiKeyId(key)).toBe('panel')
  expect(createApiKey('panel').reveal()).not.toBe(key.reveal())
})

test.each([
  '',
  'pck_',
  'pck_panel_short',
  `pck__${'a'.repeat(43)}`,
  `pck_PANEL_${'a'.repeat(43)}`,
  `pck_panel_${'a'.repeat(44)}`,
  `pck_${'p'.repeat(33)}_${'a'.repeat(43)}`,
  ` pck_panel_${'a'.repeat(43)}`,
])('no key: %s', (text) => {
  expect(apiKeyId(new Secret(text))).toBeUndefined()
})

test('the hash is SHA-256 in lower-case hex', () => {
  expect(secretSha256(new Secret('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

import { expect, test } from 'vitest'
import {
  apiKeyId,
  createApiKey,
  createFirstApiKey,
  secretSha256,
} from '../../src/broker/api-keys.ts'
import { Secret, systemClock } from '../../src/lib/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'

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

test('the very first key leaves a record, and what is refused after it none', async () => {
  const store = await openSqliteStore({ file: ':memory:' })
  const broker = { store, brokerName: 'b1', clock: systemClock }
  expect(await createFirstApiKey(broker, 'admin')).toBeInstanceOf(Secret)
  expect(await createFirstApiKey(broker, 'other')).toBeUndefined()
  expect(await store.audit.list({ limit: 9 })).toMatchObject([
    { broker: 'b1', seq: 1, actor: 'bootstrap', action: 'createKey', subject: '/v1/keys/admin' },
  ])
  await store.close()
})

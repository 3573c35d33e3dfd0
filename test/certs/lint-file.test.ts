import { expect, test } from 'vitest'
import { lintFile } from '../../src/certs/index.ts'

const facts = { path: 'tls.key', mode: 0o100600, uid: 1000 }

test('a key is for its owner alone', () => {
  expect(lintFile(facts, { holdsKey: true, uid: 1000 })).toEqual([])
  for (const mode of [0o100640, 0o100604, 0o100620]) {
    const [finding] = lintFile({ ...facts, mode }, { holdsKey: true, uid: 1000 })
    expect(finding).toMatchObject({ code: 'file-mode', fix: 'chmod 600 tls.key' })
  }
})

test('a certificate may be read by all, written by its owner alone', () => {
  expect(lintFile({ ...facts, mode: 0o644 }, { holdsKey: false, uid: 1000 })).toEqual([])
  const [finding] = lintFile({ ...facts, mode: 0o664 }, { holdsKey: false, uid: 1000 })
  expect(finding?.message).toBe('tls.key: mode 664 lets others replace it')
})

test('files belong to who asks, or to root; root may ask about everybody', () => {
  expect(lintFile({ ...facts, uid: 33 }, { holdsKey: true, uid: 1000 })).toMatchObject([
    { code: 'file-owner', fix: 'chown 1000 tls.key' },
  ])
  expect(lintFile({ ...facts, uid: 0 }, { holdsKey: true, uid: 1000 })).toEqual([])
  expect(lintFile({ ...facts, uid: 33 }, { holdsKey: true, uid: 0 })).toEqual([])
})

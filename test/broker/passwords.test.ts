import { expect, test } from 'vitest'
import { decoyPasswordHash, hashPassword, verifyPassword } from '../../src/broker/passwords.ts'
import { Secret } from '../../src/lib/index.ts'

const cheap = { logN: 4, r: 8, p: 1 }

test('a password fits its own hash and no other', async () => {
  const hash = await hashPassword(new Secret('correct horse'), cheap)
  expect(hash).toMatch(/^scrypt\$ln=4,r=8,p=1\$/)
  expect(await verifyPassword(new Secret('correct horse'), hash)).toBe(true)
  expect(await verifyPassword(new Secret('Correct horse'), hash)).toBe(false)
  expect(await verifyPassword(new Secret(''), hash)).toBe(false)
})

test('the same password has another hash each time', async () => {
  const password = new Secret('correct horse')
  expect(await hashPassword(password, cheap)).not.toBe(await hashPassword(password, cheap))
})

test('both spellings of an accented letter are one password', async () => {
  const hash = await hashPassword(new Secret('caf\u00e9'), cheap)
  expect(await verifyPassword(new Secret('cafe\u0301'), hash)).toBe(true)
})

test('nothing fits the decoy, nor a text that is no hash', async () => {
  expect(await verifyPassword(new Secret(''), decoyPasswordHash(cheap))).toBe(false)
  expect(await verifyPassword(new Secret('x'), 'x')).toBe(false)
  expect(await verifyPassword(new Secret('x'), '')).toBe(false)
})

test('the default cost is the one that the hash names', async () => {
  const hash = await hashPassword(new Secret('correct horse'))
  expect(hash).toMatch(/^scrypt\$ln=15,r=8,p=3\$/)
  expect(await verifyPassword(new Secret('correct horse'), hash)).toBe(true)
})

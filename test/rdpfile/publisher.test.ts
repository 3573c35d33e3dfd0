import { expect, test } from 'vitest'
import { issueCertificate } from '../../src/certs/index.ts'
import { createPublisher } from '../../src/rdpfile/index.ts'
import { createSigning, NOW_MS } from './signing.ts'

test('takes RSA keys with their own certificate only', async () => {
  const { authority, pair } = await createSigning()
  const common = {
    organization: 'Test',
    notBefore: new Date(NOW_MS - 60_000),
    days: 30,
    authority,
    role: 'publisher' as const,
    commonName: 'Test',
  }
  const elliptic = await issueCertificate(common)
  expect(() => createPublisher(elliptic)).toThrow('need an RSA key of 2048 bits or more')
  expect(() => createPublisher({ ...pair, privateKeyPem: elliptic.privateKeyPem })).toThrow(
    'does not belong to certificate',
  )
  // An authority's key usage is to sign certificates.
  expect(() => createPublisher(authority)).toThrow('need an RSA key')
})

test('signs without keeping the event loop', async () => {
  const { authority } = await createSigning()
  const pair = await issueCertificate({
    organization: 'Test',
    notBefore: new Date(NOW_MS - 60_000),
    days: 30,
    authority,
    role: 'publisher',
    key: 'rsa-4096',
    commonName: 'Test',
  })
  const publisher = createPublisher(pair)
  let isSigned = false
  const signing = publisher.sign(Buffer.from('message')).then(() => {
    isSigned = true
  })
  // What another thread has done is told when the loop turns, and not before.
  for (let count = 0; count < 1_000; count += 1) await undefined
  expect(isSigned).toBe(false)
  await signing
})

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
  const done: string[] = []
  const signing = publisher.sign(Buffer.from('message')).then(() => done.push('signed'))
  await new Promise((resolve) => setImmediate(resolve))
  done.push('turn')
  await signing
  expect(done).toEqual(['turn', 'signed'])
})

import { beforeAll, expect, test } from 'vitest'
import type { Certificate } from '../../src/certs/index.ts'
import { createIssuer, type Issuer, verifyAuditCheckpoint } from '../../src/tokens/index.ts'
import { CLAIMS, createIssuerPair, NOW } from './minting.ts'

const CHECKPOINT = { iss: 'broker-1', iat: NOW, seq: 7, hash: 'a'.repeat(64) }
let issuer: Issuer
let other: Certificate

beforeAll(async () => {
  issuer = await createIssuer(await createIssuerPair())
  other = (await createIssuer(await createIssuerPair())).certificate
})

test('what a broker has signed is read back, whichever of the issuers it was', async () => {
  const text = await issuer.signCheckpoint(CHECKPOINT)
  expect(verifyAuditCheckpoint(text, [other, issuer.certificate])).toEqual(CHECKPOINT)
})

test.each(['ec-p384', 'rsa-2048'] as const)('keys of type %s do as well', async (key) => {
  const another = await createIssuer(await createIssuerPair(key))
  const text = await another.signCheckpoint(CHECKPOINT)
  expect(verifyAuditCheckpoint(text, [another.certificate])).toEqual(CHECKPOINT)
})

test('one of an issuer that is not here names it', async () => {
  const text = await issuer.signCheckpoint(CHECKPOINT)
  expect(() => verifyAuditCheckpoint(text, [other])).toThrow(issuer.certificate.sha256Thumbprint)
})

test('one that was changed is refused', async () => {
  const [header = '', , signature = ''] = (await issuer.signCheckpoint(CHECKPOINT)).split('.')
  const payload = Buffer.from(JSON.stringify({ ...CHECKPOINT, seq: 8 })).toString('base64url')
  const changed = [header, payload, signature].join('.')
  expect(() => verifyAuditCheckpoint(changed, [issuer.certificate])).toThrow(/signature/)
})

test('a token is no checkpoint', async () => {
  const token = (await issuer.sign(CLAIMS)).reveal()
  expect(() => verifyAuditCheckpoint(token, [issuer.certificate])).toThrow(/typ/)
})

import { verify } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import {
  joinToken,
  privateKeyOf,
  signAnything,
  signInDer,
  signWithPublicKey,
  splitToken,
} from '../../src/lab/forge.ts'
import { Secret } from '../../src/lib/index.ts'
import { createTrustList, verifyGatewayToken } from '../../src/tokens/index.ts'
import { createIssuerPair, mint, NOW } from '../tokens/minting.ts'

let pair: KeyPair
beforeAll(async () => {
  pair = await createIssuerPair()
})

function verifyHere(text: string): Promise<unknown> {
  const certificate = readCertificate(pair.certificatePem)
  const trust = createTrustList([{ certificate, purpose: 'gateway' }], NOW * 1000)
  return verifyGatewayToken(new Secret(text), { trust, nowMs: NOW * 1000, audience: 'demo' })
}

test('takes a token apart and puts it together again', async () => {
  const token = await mint(pair)
  const { header, claims, signature } = splitToken(token)
  expect(joinToken(header, claims, signature)).toBe(token.reveal())
})

test('signs so that a verifier would take it, if the rest were right', async () => {
  const { header, claims } = splitToken(await mint(pair))
  const text = signAnything(privateKeyOf(pair), header, claims)
  await expect(verifyHere(text)).resolves.toMatchObject({ claims: { aud: 'demo' } })
  const extra = signAnything(privateKeyOf(pair), header, { ...claims, admin: true })
  await expect(verifyHere(extra)).rejects.toMatchObject({ reason: 'token-malformed' })
})

test('signs in DER so that X.509 would take it', async () => {
  const { header, claims } = splitToken(await mint(pair))
  const der = signInDer(privateKeyOf(pair), header, claims)
  const at = der.lastIndexOf('.')
  const { publicKey: key } = readCertificate(pair.certificatePem)
  const signature = Buffer.from(der.slice(at + 1), 'base64url')
  expect(verify('sha256', Buffer.from(der.slice(0, at)), key, signature)).toBe(true)
  await expect(verifyHere(der)).rejects.toMatchObject({ reason: 'signature-invalid' })
})

test('takes a public key for a secret, always the same', async () => {
  const { header, claims } = splitToken(await mint(pair))
  const text = signWithPublicKey(pair, { ...header, alg: 'HS256' }, claims)
  expect(signWithPublicKey(pair, { ...header, alg: 'HS256' }, claims)).toBe(text)
  await expect(verifyHere(text)).rejects.toMatchObject({ reason: 'algorithm-refused' })
})

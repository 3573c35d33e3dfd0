import { constants, createPrivateKey, sign, webcrypto } from 'node:crypto'
import 'reflect-metadata'
import { KeyUsageFlags, KeyUsagesExtension, X509CertificateGenerator } from '@peculiar/x509'
import { expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import { algorithmsOf } from '../../src/tokens/algorithms.ts'
import { createTrustList, verifyGatewayToken } from '../../src/tokens/index.ts'
import { mint, NOW } from './minting.ts'

/** Self-signed, with any key that WebCrypto can make. */
async function createPair(
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams | { name: 'Ed25519' },
): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  if (!('privateKey' in keys)) throw new Error('need a key pair')
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Any key',
    keys,
    notBefore: new Date((NOW - 60) * 1000),
    notAfter: new Date((NOW + 3600) * 1000),
    signingAlgorithm: { ...algorithm, hash: 'SHA-256' },
    extensions: [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const body = pkcs8.toString('base64').replaceAll(/.{64}/g, '$&\n')
  return {
    certificatePem: certificate.toString('pem'),
    privateKeyPem: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
  }
}

const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
})

test('verifies every algorithm of the table, and only with its own kind of key', async () => {
  const pss = {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  }
  const p1363 = { dsaEncoding: 'ieee-p1363' } as const
  const table = [
    {
      pair: await createPair(rsa(2048)),
      algorithms: { RS256: {}, RS512: {}, PS256: pss, PS512: pss },
    },
    {
      pair: await createPair({ name: 'ECDSA', namedCurve: 'P-256' }),
      algorithms: { ES256: p1363 },
    },
    {
      pair: await createPair({ name: 'ECDSA', namedCurve: 'P-384' }),
      algorithms: { ES384: p1363 },
    },
  ]
  for (const { pair, algorithms } of table) {
    const certificate = readCertificate(pair.certificatePem)
    expect([...algorithmsOf(certificate)]).toEqual(Object.keys(algorithms))
    const trust = createTrustList([{ certificate, purpose: 'gateway' }], NOW * 1000)
    const key = createPrivateKey(pair.privateKeyPem)
    for (const [alg, options] of Object.entries(algorithms)) {
      const signWith = (bytes: Buffer) => sign(`sha${alg.slice(2)}`, bytes, { key, ...options })
      const token = mint(pair, { header: { alg }, signWith })
      const circumstances = { trust, nowMs: NOW * 1000, audience: 'demo' }
      await expect(verifyGatewayToken(token, circumstances), alg).resolves.toBeDefined()
    }
  }
})

test('refuses keys that sign no tokens here', async () => {
  for (const [algorithm, words] of [
    [rsa(1024), 'rsa 1024'],
    [{ name: 'ECDSA', namedCurve: 'P-521' }, 'ec secp521r1'],
    [{ name: 'Ed25519' }, 'ed25519'],
  ] as const) {
    const { certificatePem } = await createPair(algorithm)
    expect(() => algorithmsOf(readCertificate(certificatePem))).toThrow(`key is ${words}, need EC`)
  }
})

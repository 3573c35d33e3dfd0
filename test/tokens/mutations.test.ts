import { createPrivateKey, sign } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import { Refusal, Secret } from '../../src/lib/index.ts'
import { createTrustList, verifyAnyGatewayToken, verifyHostToken } from '../../src/tokens/index.ts'
import { LONG } from '../helpers/long.ts'
import { createIssuerPair, mint, mintFedAuth, mintHost, NOW, VM_GUID } from './minting.ts'

/** Mutations of each format; `npm run test:long` asks for ten times as many. */
const RUNS = LONG ? 100_000 : 10_000

let ec: KeyPair
let rsa: KeyPair
let verifiers: Record<'gateway' | 'host', (token: Secret) => Promise<unknown>>

beforeAll(async () => {
  ec = await createIssuerPair()
  rsa = await createIssuerPair('rsa-2048')
  const trust = createTrustList(
    [ec, rsa].flatMap(({ certificatePem }) => {
      const certificate = readCertificate(certificatePem)
      return [
        { certificate, purpose: 'gateway' as const },
        { certificate, purpose: 'host' as const },
      ]
    }),
    NOW * 1000,
  )
  const circumstances = { trust, nowMs: NOW * 1000 }
  verifiers = {
    gateway: (token) => verifyAnyGatewayToken(token, { ...circumstances, audience: 'demo' }),
    host: (token) => verifyHostToken(token, { ...circumstances, audience: 'hv1', vmGuid: VM_GUID }),
  }
})

/** Replaces, inserts, deletes, cuts, and swaps two ranges. */
function mutatedText(text: string, alphabet: string): fc.Arbitrary<string> {
  const character = fc.constantFrom(...alphabet)
  const at = fc.nat(text.length - 1)
  return fc.oneof(
    fc.tuple(at, character).map(([i, c]) => text.slice(0, i) + c + text.slice(i + 1)),
    fc.tuple(at, character).map(([i, c]) => text.slice(0, i) + c + text.slice(i)),
    at.map((i) => text.slice(0, i) + text.slice(i + 1)),
    at.map((i) => text.slice(0, i)),
    fc.tuple(at, at).map(([i, j]) => text.slice(Math.max(i, j)) + text.slice(0, Math.min(i, j))),
  )
}

/** Changes bytes, adds some at the end, or takes some from it; never empty. */
function mutatedBytes(bytes: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }))
  return fc.oneof(
    fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
      const copy = Buffer.from(bytes)
      for (const [at, mask] of changes) copy[at] = (copy[at] ?? 0) ^ mask
      return copy
    }),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map((more) => Buffer.concat([bytes, more])),
    fc.nat(bytes.length - 2).map((length) => bytes.subarray(0, length + 1)),
  )
}

/** Mutations that are canonical again, so that they get past the form: each part's bytes. */
function mutatedJws(text: string): fc.Arbitrary<string> {
  const parts = text.split('.')
  const mutations = parts.map((part, index) =>
    mutatedBytes(Buffer.from(part, 'base64url')).map((bytes) =>
      parts.with(index, bytes.toString('base64url')).join('.'),
    ),
  )
  return fc.oneof(mutatedText(text, BASE64URL), ...mutations)
}

/** Signature bytes, well spelled; what is signed, still ASCII. */
function mutatedFedAuth(text: string): fc.Arbitrary<string> {
  const end = text.lastIndexOf('|') + 1
  const signature = Buffer.from(decodeURIComponent(text.slice(end)), 'base64')
  const signedEnd = text.lastIndexOf('&Signature=')
  return fc.oneof(
    mutatedText(text, FEDAUTH),
    mutatedBytes(signature).map(
      (bytes) => text.slice(0, end) + encodeURIComponent(bytes.toString('base64')),
    ),
    mutatedText(text.slice(0, signedEnd), FEDAUTH).map((signed) => signed + text.slice(signedEnd)),
  )
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \0é'
const FEDAUTH = 'ABCDEFHIPSabcdefghilnoprstux0123456789=&|%+/.-: \0é'

interface Format {
  name: string
  verifier: 'gateway' | 'host'
  mint: () => Secret
  mutate: (text: string) => fc.Arbitrary<string>
}

const formats: Format[] = [
  { name: 'gateway token', verifier: 'gateway', mint: () => mint(ec), mutate: mutatedJws },
  {
    name: 'gateway token by RSA',
    verifier: 'gateway',
    mint: () => mintRsa(rsa),
    mutate: mutatedJws,
  },
  { name: 'host token', verifier: 'host', mint: () => mintHost(ec), mutate: mutatedJws },
  {
    name: 'FedAuth token',
    verifier: 'gateway',
    mint: () => mintFedAuth(rsa),
    mutate: mutatedFedAuth,
  },
]

test.each(formats)(
  'accepts no mutation of a right $name, and answers each with a refusal',
  async ({ verifier, mint, mutate }) => {
    const text = mint().reveal()
    const verify = verifiers[verifier]
    await verify(new Secret(text))
    const reasons = new Map<string, number>()
    const refuses = fc.asyncProperty(mutate(text), async (mutated) => {
      if (mutated === text) return
      const refusal = await verify(new Secret(mutated)).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (!(refusal instanceof Refusal)) throw refusal ?? new Error('accepted')
      reasons.set(refusal.reason, (reasons.get(refusal.reason) ?? 0) + 1)
    })
    await fc.assert(refuses, { numRuns: RUNS })
    // The mutations are of use only while many of them get past the form.
    expect(reasons.get('token-malformed')).toBeGreaterThan(RUNS / 20)
    expect(reasons.get('signature-invalid')).toBeGreaterThan(RUNS / 20)
  },
  RUNS * 30,
)

function mintRsa(pair: KeyPair): Secret {
  const key = createPrivateKey(pair.privateKeyPem)
  return mint(pair, { header: { alg: 'RS256' }, signWith: (bytes) => sign('sha256', bytes, key) })
}

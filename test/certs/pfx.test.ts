import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import {
  createAuthority,
  decodePfx,
  encodePfx,
  issueCertificate,
  type KeyPair,
  type PfxOptions,
} from '../../src/certs/index.ts'
import { BrokerError, Secret } from '../../src/lib/index.ts'

const common = { organization: 'Example', notBefore: new Date('2026-11-21T12:00:00Z'), days: 10 }
const password = new Secret('correct horse')
let authority: KeyPair
let pair: KeyPair
let pfx: Uint8Array

beforeAll(async () => {
  authority = await createAuthority({ ...common, commonName: 'Root' })
  pair = await issue('ec-p256')
  pfx = await encode()
})

const issue = (key: 'ec-p256' | 'ec-p384' | 'rsa-2048'): Promise<KeyPair> =>
  issueCertificate({ ...common, authority, role: 'issuer', commonName: `Leaf ${key}`, key })

const encode = (changes: Partial<PfxOptions> = {}): Promise<Uint8Array> =>
  encodePfx({ pair, password, chain: true, ...changes })

test('gives back key and certificate, whatever their kind and the encryption', async () => {
  for (const [key, encryption] of [
    ['ec-p256', 'aes-256'],
    ['ec-p384', 'aes-256'],
    ['rsa-2048', 'aes-256'],
    ['ec-p256', '3des'],
  ] as const) {
    const made = await issue(key)
    const bytes = await encode({ pair: made, encryption })
    expect(await decodePfx(bytes, password), `${key} ${encryption}`).toEqual(made)
  }
})

test('takes any password but an empty one', async () => {
  for (const text of ['ä€ ', '密码', 'a'.repeat(200)]) {
    const bytes = await encode({ password: new Secret(text) })
    expect(await decodePfx(bytes, new Secret(text))).toEqual(pair)
  }
  await expect(encode({ password: new Secret('') })).rejects.toThrow('password: empty, need one')
})

test('takes the chain along when asked, and drops the root on the way in', async () => {
  const withRoot = { ...pair, certificatePem: pair.certificatePem + authority.certificatePem }
  const [long, short] = [
    await encode({ pair: withRoot }),
    await encode({ pair: withRoot, chain: false }),
  ]
  expect(long.length).toBeGreaterThan(short.length + 300)
  expect(await decodePfx(long, password)).toEqual(pair)
})

test('names what is wrong', async () => {
  const cases: Array<[Uint8Array, Secret, string]> = [
    [pfx, new Secret('wrong'), 'issuer.pfx: wrong password, or the file was damaged'],
    [pfx, new Secret(''), 'issuer.pfx: wrong password, or the file was damaged'],
    [pfx.subarray(0, 300), password, `issuer.pfx: cut off: need ${pfx.length} bytes, have 300`],
    [Buffer.from(pair.certificatePem), password, 'issuer.pfx: is no PFX file'],
    [new Uint8Array(), password, 'issuer.pfx: is no PFX file'],
    [Buffer.from([0x30, 0x03, 2, 1, 3]), password, 'issuer.pfx: is no PFX file'],
    [new Uint8Array(300_000), password, 'issuer.pfx: need at most 262144 bytes, have 300000'],
  ]
  for (const [bytes, secret, message] of cases) {
    await expect(decodePfx(bytes, secret, 'issuer.pfx')).rejects.toThrow(message)
  }
})

test('refuses work factors that would keep it busy', async () => {
  const bytes = Buffer.from(pfx)
  // The iteration count of the integrity check is the last number of the file.
  const at = bytes.lastIndexOf(Buffer.from('02030186a0', 'hex'))
  bytes.writeUIntBE(0x7fffff, at + 2, 3)
  await expect(decodePfx(bytes, password)).rejects.toThrow('iterations: need 1 to 5000000')
})

test('damaged bytes give ERR_CERTIFICATE, or nothing but what was in it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(pfx.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (offset, flipped) => {
        const damaged = Uint8Array.from(pfx)
        damaged[offset] = (damaged[offset] ?? 0) ^ flipped
        try {
          // Some bytes around the integrity check say nothing.
          expect(await decodePfx(damaged, password)).toEqual(pair)
        } catch (error) {
          expect(error).toBeInstanceOf(BrokerError)
        }
      },
    ),
    { numRuns: 25 },
  )
})

test('every truncation is named', async () => {
  for (let length = 0; length < pfx.length; length += 97) {
    await expect(decodePfx(pfx.subarray(0, length), password)).rejects.toThrow(/cut off|is no PFX/)
  }
})

import { type KeyObject, webcrypto } from 'node:crypto'
import { BrokerError } from '../lib/index.ts'

/** Kinds of private key that certificates are made with; EC P-256 unless somebody asks otherwise. */
export const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const
export type KeyType = (typeof KEY_TYPES)[number]

/** Digests that certificates and requests are signed with. */
export const HASHES = ['sha256', 'sha384', 'sha512'] as const
export type Hash = (typeof HASHES)[number]

/** 65537. */
const PUBLIC_EXPONENT = new Uint8Array([1, 0, 1])
const HASH_NAMES = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' } as const

export interface SigningKey {
  key: webcrypto.CryptoKey
  /** What to sign with it: name and hash. */
  algorithm: { name: string; hash: string }
}

/** A new key pair, off the main thread. @param hash what the key itself will sign with: requests, self-signed certificates */
export async function createKeys(type: KeyType, hash: Hash): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = type.startsWith('rsa')
    ? {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: Number(type.slice('rsa-'.length)),
        publicExponent: PUBLIC_EXPONENT,
        hash: HASH_NAMES[hash],
      }
    : { name: 'ECDSA', namedCurve: type === 'ec-p384' ? 'P-384' : 'P-256' }
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

/** The algorithm that signs with a new key of this type. */
export function signatureAlgorithm(type: KeyType, hash: Hash): SigningKey['algorithm'] {
  const name = type.startsWith('rsa') ? 'RSASSA-PKCS1-v1_5' : 'ECDSA'
  return { name, hash: HASH_NAMES[hash] }
}

/**
 * A private key as WebCrypto signs with it.
 *
 * @throws BrokerError `ERR_CERTIFICATE` for a key that is none of {@link KEY_TYPES}
 */
export async function importSigningKey(privateKey: KeyObject, hash: Hash): Promise<SigningKey> {
  const type = keyTypeOf(privateKey)
  if (type === undefined) {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `private key: need one of ${KEY_TYPES.join(', ')}, have ${describeKey(privateKey)}`,
    )
  }
  const algorithm = signatureAlgorithm(type, hash)
  const key = await webcrypto.subtle.importKey(
    'pkcs8',
    privateKey.export({ format: 'der', type: 'pkcs8' }),
    type.startsWith('rsa')
      ? algorithm
      : { name: 'ECDSA', namedCurve: type === 'ec-p384' ? 'P-384' : 'P-256' },
    false,
    ['sign'],
  )
  return { key, algorithm }
}

/** The type of a public or private key, or undefined when it is none that this product uses. */
export function keyTypeOf(key: KeyObject): KeyType | undefined {
  const name = describeKey(key)
  return KEY_TYPES.find((type) => type === name)
}

/** A key in the words of {@link KEY_TYPES}, also for those that are not among them: `rsa-1024`, `ed25519`. */
export function describeKey(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
  if (namedCurve === 'prime256v1') return 'ec-p256'
  if (namedCurve === 'secp384r1') return 'ec-p384'
  return [key.asymmetricKeyType, modulusLength ?? namedCurve].filter(Boolean).join('-')
}

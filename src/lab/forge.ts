import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from 'node:crypto'
import type { KeyPair } from '../certs/index.ts'
import type { Secret } from '../lib/index.ts'
import type { GatewayClaims } from '../tokens/index.ts'

/** A compact JWS (RFC 7515 section 7.1) in its parts. */
export interface TokenParts<Claims = GatewayClaims> {
  header: Record<string, unknown>
  claims: Claims
  signature: Buffer
}

/** Takes a good token apart. @throws SyntaxError for one that is none */
export function splitToken<Claims = GatewayClaims>(token: Secret): TokenParts<Claims> {
  const [header = '', claims = '', signature = ''] = token.reveal().split('.')
  const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  return {
    header: parse(header),
    claims: parse(claims),
    signature: Buffer.from(signature, 'base64url'),
  }
}

/** The other way round, whatever the parts say. */
export function joinToken(header: object, claims: object, signature: Uint8Array): string {
  return `${signedText(header, claims)}.${Buffer.from(signature).toString('base64url')}`
}

/** What a signature is made over, RFC 7515 section 5.1. */
export function signedText(header: object, claims: object): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  return `${encode(header)}.${encode(claims)}`
}

/** A token with whatever header and claims, and a signature of this key that is right for them. */
export function signAnything(key: KeyObject, header: object, claims: object): string {
  return joinToken(header, claims, signText(key, signedText(header, claims)))
}

/** A token whose signature is right, but in the DER form that X.509 has. */
export function signInDer(key: KeyObject, header: object, claims: object): string {
  const signature = signText(key, signedText(header, claims), { dsaEncoding: 'der' })
  return joinToken(header, claims, signature)
}

/** The confusion of RFC 8725 section 2.1: the issuer's public key, taken for a shared secret. */
export function signWithPublicKey(
  { certificatePem }: Pick<KeyPair, 'certificatePem'>,
  header: object,
  claims: object,
): string {
  const secret = createPublicKey(certificatePem).export({ type: 'spki', format: 'pem' })
  const signature = createHmac('sha256', secret).update(signedText(header, claims)).digest()
  return joinToken(header, claims, signature)
}

export function privateKeyOf({ privateKeyPem }: Pick<KeyPair, 'privateKeyPem'>): KeyObject {
  return createPrivateKey(privateKeyPem)
}

/** As ES256, ES384 or RS256 say, RFC 7518 section 3, by the kind of the key. */
function signText(
  key: KeyObject,
  text: string,
  options: Pick<SignKeyObjectInput, 'dsaEncoding'> = { dsaEncoding: 'ieee-p1363' },
): Buffer {
  const isP384 = key.asymmetricKeyDetails?.namedCurve === 'secp384r1'
  return sign(isP384 ? 'sha384' : 'sha256', Buffer.from(text), { key, ...options })
}

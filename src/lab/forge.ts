import { createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import type { KeyPair } from '../certs/index.ts'
import { joinToken, signedText } from './ticket.ts'

/** Signs any text as ES256 says, RFC 7518 section 3.4, or in the DER form that X.509 has. */
export function signEs256(
  { privateKeyPem }: KeyPair,
  text: string,
  encoding: 'ieee-p1363' | 'der' = 'ieee-p1363',
): Buffer {
  const key = createPrivateKey(privateKeyPem)
  return sign('sha256', Buffer.from(text), { key, dsaEncoding: encoding })
}

/** A token with whatever header and claims, and a signature that is right for them. */
export function signAnything(pair: KeyPair, header: object, claims: object): string {
  return joinToken(header, claims, signEs256(pair, signedText(header, claims)))
}

/** The confusion of RFC 8725 section 2.1: the issuer's public key, taken for a shared secret. */
export function signWithPublicKey(pair: KeyPair, header: object, claims: object): string {
  const secret = createPublicKey(pair.certificatePem).export({ type: 'spki', format: 'pem' })
  const signature = createHmac('sha256', secret).update(signedText(header, claims)).digest()
  return joinToken(header, claims, signature)
}

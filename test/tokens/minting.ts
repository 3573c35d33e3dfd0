import { createHash, type KeyObject, sign } from 'node:crypto'
import {
  type Certificate,
  checkPair,
  createAuthority,
  issueCertificate,
  type KeyPair,
  type KeyType,
  readCertificate,
} from '../../src/certs/index.ts'
import { Secret } from '../../src/lib/index.ts'
import type { GatewayClaims, HostClaims } from '../../src/tokens/index.ts'

/** The fixed time of these tests, in seconds. */
export const NOW = Date.parse('2026-11-21T12:00:00Z') / 1000

export const CLAIMS: GatewayClaims = {
  iss: 'broker-1',
  aud: 'demo',
  jti: '0TQ4l7pJ5m0hJw2E3vXK9A',
  iat: NOW,
  nbf: NOW,
  exp: NOW + 60,
  tid: 'contoso',
  sub: 'alice',
  vm: 'vm-1',
  knd: 'rdp',
  dst: '192.0.2.10:3389',
}

export const VM_GUID = '5f0fd5ae-5e1b-4c9e-9a4e-0f35f6b7a1c2'

export const HOST_CLAIMS: HostClaims = {
  iss: 'broker-1',
  aud: 'hv1',
  jti: CLAIMS.jti,
  iat: NOW,
  nbf: NOW,
  exp: NOW + 60,
  vm: 'vm-1',
  vmg: VM_GUID,
}

/** A development-free issuer, valid from an hour before `NOW`. */
export async function createIssuerPair(key: KeyType = 'ec-p256'): Promise<KeyPair> {
  const common = { organization: 'Example', notBefore: new Date((NOW - 3600) * 1000), days: 30 }
  const authority = await createAuthority({ ...common, commonName: 'Authority' })
  return issueCertificate({ ...common, authority, role: 'issuer', commonName: 'Issuer', key })
}

export interface MintOptions {
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
  /** Digest and signature encoding, when not those of ES256. */
  signWith?: (bytes: Buffer) => Buffer
}

/** Mints a gateway token without any of the product's checks, so that a test can mint what must be refused. */
export function mint(pair: KeyPair, { claims, ...options }: MintOptions = {}): Secret {
  return mintJws(pair, 'cgt+jwt', { ...options, claims: { ...CLAIMS, ...claims } })
}

/** Mints a host token, as unchecked. */
export function mintHost(pair: KeyPair, { claims, ...options }: MintOptions = {}): Secret {
  return mintJws(pair, 'cht+jwt', { ...options, claims: { ...HOST_CLAIMS, ...claims } })
}

function mintJws(pair: KeyPair, typ: string, { header, claims, signWith }: MintOptions): Secret {
  const { certificate, privateKey } = checkPair(pair)
  const signingInput = [{ alg: 'ES256', typ, 'x5t#S256': x5tS256(certificate), ...header }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = (signWith ?? es256(privateKey))(Buffer.from(signingInput))
  return new Secret(`${signingInput}.${signature.toString('base64url')}`)
}

export function x5tS256({ der }: Certificate): string {
  return createHash('sha256').update(der).digest('base64url')
}

export function thumbprintOf(pair: KeyPair): string {
  return readCertificate(pair.certificatePem).sha256Thumbprint
}

function es256(key: KeyObject): (bytes: Buffer) => Buffer {
  return (bytes) => sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
}

export interface MintFedAuthOptions {
  /** In place of the right claims. */
  signedText?: string
  /** In place of SHA256. */
  hash?: string
  /** In place of the issuer's. */
  thumbprint?: string
  /** In place of PKCS#1 v1.5 with SHA-256. */
  signWith?: (bytes: Buffer) => Buffer
}

export const FEDAUTH_TEXT = `Host=hv1.example&Port=2179&ExpiresOn=${NOW + 60}`

/** Mints a FedAuth token, as unchecked. */
export function mintFedAuth(pair: KeyPair, options: MintFedAuthOptions = {}): Secret {
  const { certificate, privateKey } = checkPair(pair)
  const {
    signedText = FEDAUTH_TEXT,
    hash = 'SHA256',
    thumbprint = certificate.sha1Thumbprint,
    signWith = (bytes) => sign('sha256', bytes, privateKey),
  } = options
  const signature = encodeURIComponent(signWith(Buffer.from(signedText)).toString('base64'))
  return new Secret(`${signedText}&Signature=1|${hash}|${thumbprint}|${signature}`)
}

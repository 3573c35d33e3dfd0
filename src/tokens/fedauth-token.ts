import { createHash } from 'node:crypto'
import { formatEndpoint, parseEndpoint, Refusal } from '../lib/index.ts'
import { MAX_COOKIE_CHARACTERS } from './compact-jws.ts'

/**
 * The gateway token of Microsoft's Console Connect plug-in:
 *
 *     Host=<host>&Port=<port>&ExpiresOn=<unix seconds>&Signature=1|SHA256|<thumbprint>|<signature>
 *
 * The signature covers the ASCII bytes before `&Signature=`, is RSA, and stands in base64 whose `+ / =` are
 * percent-encoded. The format names no VM, no user and no client, and has no id.
 */
export interface FedAuthClaims {
  /** `host:port` of the hypervisor host. */
  dst: string
  /** Unix seconds. */
  exp: number
}

/** The hashes that a verifier allows, by the format's name for them. */
export const FEDAUTH_HASHES = { SHA256: 'sha256', SHA512: 'sha512' } as const
export type FedAuthHash = keyof typeof FEDAUTH_HASHES

export interface FedAuthParts {
  /** What the signature covers. */
  signedText: string
  hash: FedAuthHash
  /** SHA-1 thumbprint of the issuer's certificate, upper-case hex. */
  sha1Thumbprint: string
  signature: Buffer
}

const SIGNATURE = '&Signature='
/** The only version that is known. */
const VERSION = '1'

/** Whether a text means to be a FedAuth token; a compact JWS never does. */
export function looksLikeFedAuth(text: string): boolean {
  return text.includes(SIGNATURE)
}

/**
 * Names a token in ledger and log: SHA-256 of the signed bytes in hex. Of these and not of the token, since
 * with PSS one text has many right signatures. Two tokens for one host that expire in the same second are
 * therefore one.
 */
export function fedAuthId(signedText: string): string {
  return createHash('sha256').update(signedText, 'latin1').digest('hex')
}

/** What has to be signed. @throws Refusal `token-malformed` for claims that no verifier would take */
export function renderFedAuthClaims({ dst, exp }: FedAuthClaims): string {
  const target = parseEndpoint(dst)
  if (target === undefined) throw malformed('Host, Port: need host:port')
  const text = `Host=${target.host}&Port=${target.port}&ExpiresOn=${exp}`
  parseFedAuthClaims(text)
  return text
}

export function renderFedAuthToken({
  signedText,
  hash,
  sha1Thumbprint,
  signature,
}: FedAuthParts): string {
  const encoded = encodeURIComponent(signature.toString('base64'))
  return `${signedText}${SIGNATURE}${[VERSION, hash, sha1Thumbprint, encoded].join('|')}`
}

/**
 * Takes a token apart and leaves its claims alone: nothing of what is signed is read before the
 * signature has been verified. The signature must be spelled the one way that it is minted in.
 *
 * @throws Refusal `token-malformed`, `algorithm-refused`
 */
export function decodeFedAuthToken(text: string): FedAuthParts {
  if (text.length > MAX_COOKIE_CHARACTERS) {
    throw malformed(`token: ${text.length} characters, may have ${MAX_COOKIE_CHARACTERS}`)
  }
  if (!/^[\x21-\x7e]+$/.test(text)) throw malformed('token: need printable ASCII without spaces')
  const at = text.lastIndexOf(SIGNATURE)
  if (at === -1) throw malformed(`token: no ${SIGNATURE}`)
  const parts = text.slice(at + SIGNATURE.length).split('|')
  const [version, hash = '', sha1Thumbprint = '', encoded = ''] = parts
  if (parts.length !== 4) throw malformed(`Signature: need 4 parts, have ${parts.length}`)
  if (version !== VERSION) throw malformed(`Signature: need version ${VERSION}`)
  if (!isFedAuthHash(hash)) {
    throw new Refusal('algorithm-refused', `Signature: ${hash.slice(0, 16)} is not accepted`)
  }
  if (!/^[0-9A-F]{40}$/.test(sha1Thumbprint)) {
    throw malformed('Signature: need a SHA-1 thumbprint in upper-case hex')
  }
  return {
    signedText: text.slice(0, at),
    hash,
    sha1Thumbprint,
    signature: decodeSignature(encoded),
  }
}

/**
 * Reads what was signed: each of the three names once, in any order, no others.
 *
 * @throws Refusal `token-malformed`
 */
export function parseFedAuthClaims(signedText: string): FedAuthClaims {
  const values = new Map<string, string>()
  for (const pair of signedText.split('&')) {
    const [name = '', value, ...more] = pair.split('=')
    if (!['Host', 'Port', 'ExpiresOn'].includes(name)) {
      throw malformed(`claim ${name.slice(0, 64)}: unknown`)
    }
    if (values.has(name)) throw malformed(`claim ${name}: twice`)
    if (value === undefined || more.length > 0) throw malformed(`claim ${name}: need one value`)
    values.set(name, value)
  }
  return {
    dst: readTarget(values.get('Host'), values.get('Port')),
    exp: readNumber('ExpiresOn', values.get('ExpiresOn')),
  }
}

/** Host names and literal addresses, IPv6 with or without brackets. */
function readTarget(host: string | undefined, portText: string | undefined): string {
  const port = readNumber('Port', portText)
  if (host === undefined) throw malformed('claim Host: missing')
  const isName = /^[A-Za-z0-9._-]{1,253}$/.test(host) || /^\[?[0-9A-Fa-f:.]{2,45}\]?$/.test(host)
  const target = isName ? parseEndpoint(formatEndpoint({ host: unbracket(host), port })) : undefined
  if (target === undefined) throw malformed('claim Host, Port: need a host and a port')
  return formatEndpoint(target)
}

function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

/** Decimal digits without leading zeros, at most 15 of them. */
function readNumber(name: string, text: string | undefined): number {
  if (text === undefined) throw malformed(`claim ${name}: missing`)
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) throw malformed(`claim ${name}: need a number`)
  return Number(text)
}

function decodeSignature(encoded: string): Buffer {
  const base64 = encoded.replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '=')
  const signature = Buffer.from(base64, 'base64')
  const canonical = encodeURIComponent(signature.toString('base64'))
  if (signature.length === 0 || canonical !== encoded) {
    throw malformed('Signature: not canonical base64, percent-encoded')
  }
  return signature
}

function isFedAuthHash(text: string): text is FedAuthHash {
  return Object.hasOwn(FEDAUTH_HASHES, text)
}

function malformed(detail: string): Refusal {
  return new Refusal('token-malformed', detail)
}

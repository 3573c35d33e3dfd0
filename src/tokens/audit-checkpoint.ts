import { z } from 'zod'
import type { Certificate } from '../certs/index.ts'
import { Refusal } from '../lib/index.ts'
import { algorithmsOf } from './algorithms.ts'
import { identifier, numericDate, parseClaims } from './claims.ts'
import { decodeCompactJws, type JwsFormat } from './compact-jws.ts'
import { isSignedBy } from './jws-signature.ts'
import { x5tS256Of } from './trust-list.ts'

/** A broker's word for how long its audit was, and what its last record was. Opens nothing: its `typ` is no token's. */
const checkpointClaims = z.strictObject({
  /** The broker whose audit it is. */
  iss: identifier,
  iat: numericDate,
  /** Number of the last record. */
  seq: z.int().min(1),
  /** SHA-256 of the last record, which covers all before it; lower-case hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'need 64 lower-case hex digits'),
})

export type AuditCheckpoint = z.infer<typeof checkpointClaims>

export const AUDIT_CHECKPOINT: Pick<JwsFormat<AuditCheckpoint>, 'typ' | 'claims'> = {
  typ: 'pac+jws',
  claims: checkpointClaims,
}

/**
 * Reads a checkpoint, a compact JWS as tokens are, that one of these issuers has signed. Whether their time
 * is over doesn't matter: it is about the past.
 *
 * @throws Refusal `token-malformed`, `issuer-unknown`, `algorithm-refused`, `signature-invalid`
 */
export function verifyAuditCheckpoint(
  text: string,
  issuers: readonly Certificate[],
): AuditCheckpoint {
  const { header, payload, ...signed } = decodeCompactJws(text, AUDIT_CHECKPOINT.typ)
  const certificate = findIssuer(issuers, header['x5t#S256'])
  const algorithm = algorithmsOf(certificate).find((known) => known === header.alg)
  if (algorithm === undefined) {
    throw new Refusal('algorithm-refused', `alg: ${header.alg} is not one of the issuer's`)
  }
  if (!isSignedBy(certificate.publicKey, algorithm, signed)) {
    throw new Refusal('signature-invalid', `signature: not by ${certificate.sha256Thumbprint}`)
  }
  return parseClaims(AUDIT_CHECKPOINT.claims, payload)
}

function findIssuer(issuers: readonly Certificate[], x5tS256: string): Certificate {
  const found = issuers.find((one) => x5tS256Of(one) === x5tS256)
  if (found !== undefined) return found
  const thumbprint = Buffer.from(x5tS256, 'base64url').toString('hex').toUpperCase()
  throw new Refusal('issuer-unknown', `signed by ${thumbprint}, whose certificate is not here`)
}

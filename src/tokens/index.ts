/**
 * Console tokens: mint, verify, trust, redeem, inspect. Pure: time is an argument, keys and
 * certificates come as values, nothing is read or dialled. Start with `verify.ts`.
 *
 * A gateway calls {@link verifyGatewayToken}, or {@link verifyAnyGatewayToken} where FedAuth is accepted,
 * with `reopenSeconds: ledger.reopenSeconds` and then always `ledger.redeem`, since an expired token that
 * comes back from the first is only admitted by the second. A host agent calls {@link verifyHostToken}.
 */
export { algorithmsOf } from './algorithms.ts'
export { type AuditCheckpoint, verifyAuditCheckpoint } from './audit-checkpoint.ts'
export { claimedIssuer } from './claimed-issuer.ts'
export { claimedJti } from './claimed-jti.ts'
export { MAX_LIFETIME_SECONDS } from './claims.ts'
export { type ClientBinding, clientKey, isInside, normalizeAddress } from './client-address.ts'
export type { FedAuthClaims } from './fedauth-token.ts'
export type { GatewayClaims, HostKind } from './gateway-token.ts'
export type { HostClaims } from './host-token.ts'
export { type InspectedToken, inspectToken } from './inspect.ts'
export {
  createIssuer,
  type Issuer,
  MAX_TOKEN_CHARACTERS,
  type SignedFedAuth,
  TokenTooLong,
} from './issuer.ts'
export { createMemoryLedger, type MemoryLedgerOptions, redeemKey } from './memory-ledger.ts'
export {
  type PreconnectionText,
  parsePreconnectionText,
  renderPreconnectionText,
} from './preconnection-text.ts'
export type { Lease, Presentable, RedeemInput, RedeemLedger } from './redeem.ts'
export {
  burnsToken,
  DEFAULT_REDEEM_RULE,
  decideRedeem,
  endTunnel,
  forgetRedeemAtMs,
  type RedeemAttempt,
  type RedeemDecision,
  type RedeemRule,
  type RedeemState,
} from './redeem-rule.ts'
export {
  createRevocationList,
  REVOCATION_KINDS,
  type Revocation,
  type RevocationKind,
  type RevocationList,
} from './revocations.ts'
export { type ParsedThumbprint, parseThumbprint } from './thumbprint.ts'
export { formatTime } from './times.ts'
export {
  createTrustListFromPem,
  type PemTrustEntry,
  type PemTrustOptions,
} from './trust-from-pem.ts'
export {
  createTrustList,
  issuerEnd,
  type Purpose,
  type SharedPurpose,
  type TrustEntry,
  type TrustedIssuer,
  type TrustList,
  x5tS256Of,
} from './trust-list.ts'
export {
  type VerifiedHostToken,
  type VerifiedToken,
  type VerifyHostOptions,
  type VerifyOptions,
  verifyAnyHostToken,
  verifyGatewayToken,
  verifyHostToken,
  verifyLabToken,
} from './verify.ts'
export {
  type AnyVerifiedToken,
  type FedAuthGrant,
  type VerifiedFedAuthToken,
  verifyAnyGatewayToken,
  verifyFedAuthToken,
} from './verify-fedauth.ts'
export {
  type Circumstances,
  DEFAULT_LEEWAY_SECONDS,
  MAX_LEEWAY_SECONDS,
} from './verify-steps.ts'

/**
 * Console tokens: mint, verify, trust, redeem, inspect. Pure: time is an argument, keys and
 * certificates come as values, nothing is read or dialled. Start with `verify.ts`.
 *
 * A gateway calls {@link verifyGatewayToken} with `reopenSeconds: ledger.reopenSeconds` and then always
 * `ledger.redeem`, since an expired token that comes back from the first is only admitted by the second.
 */
export { type GatewayClaims, type HostKind, MAX_LIFETIME_SECONDS } from './claims.ts'
export { type ClientBinding, clientKey, normalizeAddress } from './client-address.ts'
export { type InspectedToken, inspectToken } from './inspect.ts'
export { createIssuer, type Issuer, MAX_TOKEN_CHARACTERS } from './issuer.ts'
export { createMemoryLedger, type MemoryLedgerOptions, redeemKey } from './memory-ledger.ts'
export type { Lease, RedeemInput, RedeemLedger } from './redeem.ts'
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
export {
  createTrustList,
  type Purpose,
  type TrustEntry,
  type TrustedIssuer,
  type TrustList,
  x5tS256Of,
} from './trust-list.ts'
export {
  DEFAULT_LEEWAY_SECONDS,
  MAX_LEEWAY_SECONDS,
  type VerifiedToken,
  type VerifyOptions,
  verifyGatewayToken,
} from './verify.ts'

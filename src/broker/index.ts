/**
 * The token service: a koa app that knows tenants, hosts and machines, signs console tokens and
 * hands over `.rdp` files; and what answers nodes: redeems, trust, revocations, kills. It never carries
 * console traffic and never talks to a gateway's clients.
 * Start reading at `create-broker.ts`.
 */

export { apiKeyId, createApiKey, createFirstApiKey } from './api-keys.ts'
export {
  type AuditVerdict,
  AuditVerifier,
  type AuditVerifierOptions,
  type Checkpoint,
} from './audit/verify.ts'
export { type Broker, type BrokerOptions, createBroker, type Lifetime } from './create-broker.ts'
export type { IssuerFiles, LoadIssuer } from './issuers.ts'
export type { Farm } from './mint-console.ts'
export type { MintLimits } from './mint-limits.ts'
export { hashPassword } from './passwords.ts'
export type {
  OpenConsoleInput,
  OpenConsoleResult,
  PortalServices,
  Session,
  SignInInput,
  SignInResult,
  VmSummary,
} from './portal-services.ts'
export { type Seed, seedStore } from './seed.ts'

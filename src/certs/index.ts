/**
 * Certificates: read them, check that a key belongs to one, make new ones. Text and bytes in, text out:
 * this room opens no file and keeps no key. Start with `certificate.ts`.
 */
export { type Certificate, DEVELOPMENT_ORGANIZATION, readCertificate } from './certificate.ts'
export { findIssuer, isSelfSigned, orderChain, readCertificates } from './chain.ts'
export {
  CONTROL_ROLES,
  type ControlIdentity,
  type ControlRole,
  controlIdentityOf,
} from './control-identity.ts'
export {
  createDevelopmentCertificates,
  type DevelopmentCertificates,
  type DevelopmentOptions,
} from './development.ts'
export {
  EXPIRY_STEPS_DAYS,
  type ExpiryFinding,
  expiryFindings,
  type NamedCertificate,
} from './expiry.ts'
export type { Finding, FindingCode } from './finding.ts'
export {
  type AuthorityOptions,
  CONTROL_DAYS,
  createAuthority,
  type IssueOptions,
  issueCertificate,
} from './issue.ts'
export { belongsTogether, type CheckedPair, checkPair, type KeyPair } from './key-pair.ts'
export { describeKey, HASHES, type Hash, KEY_TYPES, type KeyType } from './keys.ts'
export { LINT_ROLES, type LintOptions, type LintRole, lintCertificate } from './lint.ts'
export { lintChain } from './lint-chain.ts'
export { type FileFacts, lintFile } from './lint-file.ts'
export { decodePfx, encodePfx, type PfxOptions, RSA_AND_AES_PROVIDER } from './pfx.ts'
export { PFX_ENCRYPTIONS, type PfxEncryption } from './pfx-crypto.ts'
export { isEncryptedKey, openPrivateKey } from './private-key.ts'
export type { CertificateRole, Profile } from './profile.ts'
export { type CertificateRequest, createRequest, type RequestOptions } from './request.ts'
export { decodeSignedData, prepareSignedData, type SignedData } from './signed-data.ts'

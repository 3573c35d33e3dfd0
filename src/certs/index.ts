/**
 * Certificates: read them, check that a key belongs to one, make new ones. Text and bytes in, text out:
 * this room opens no file and keeps no key. Start with `certificate.ts`.
 */
export { type Certificate, DEVELOPMENT_ORGANIZATION, readCertificate } from './certificate.ts'
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
  type AuthorityOptions,
  CONTROL_DAYS,
  createAuthority,
  type IssueOptions,
  issueCertificate,
} from './issue.ts'
export { type CheckedPair, checkPair, type KeyPair } from './key-pair.ts'
export { HASHES, type Hash, KEY_TYPES, type KeyType } from './keys.ts'
export type { CertificateRole, Profile } from './profile.ts'

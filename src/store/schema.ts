import type {
  ConsoleMode,
  HostKind,
  IdentifyMode,
  NlaSetting,
  PolicyScope,
  StoredCheckpoint,
  StoredProbe,
} from './records.ts'
import type {
  GatewayNode,
  StoredRevocation,
  TrustedCertificate,
  Verifier,
} from './trust-records.ts'

/**
 * The tables as TypeScript sees them: camelCase here, snake_case in the database. Only types that
 * SQLite and PostgreSQL share are used: text, and integers below 2^53 (times, flags as 0 and 1).
 * `revision` starts at 1 and counts replacements, which tells an insert from an update.
 */
export interface Database {
  tenants: TenantRow
  hosts: HostRow
  hostProbes: StoredProbe
  vms: VmRow
  policies: PolicyRow
  users: UserRow
  apiKeys: ApiKeyRow
  apiKeyTenants: ApiKeyTenantRow
  grants: GrantRow
  portalSessions: PortalSessionRow
  redeems: RedeemRow
  leases: LeaseRow
  revocations: RevocationRow
  issuers: IssuerRow
  verifiers: Verifier
  nodes: NodeRow
  timeline: TimelineRow
  audit: AuditRow
  auditCheckpoints: StoredCheckpoint
  versions: VersionRow
}

interface Stamps {
  revision: number
  createdAtMs: number
  updatedAtMs: number
}

export interface TenantRow extends Stamps {
  id: string
  name: string
}

export interface HostRow extends Stamps {
  id: string
  kind: HostKind
  address: string
  port: number
  identify: IdentifyMode
  nameFqdn: string | null
  nameName: string | null
  nameIpv4: string | null
  nameIpv6: string | null
  consoleAllow: 0 | 1
  consoleMode: ConsoleMode | null
  pin: string | null
  nla: NlaSetting | null
}

export interface VmRow extends Stamps {
  id: string
  name: string
  tenant: string
  host: string
  guid: string | null
  address: string | null
  port: number | null
}

export interface PolicyRow extends Stamps {
  scope: PolicyScope
  /** With a policy of theirs; NULL in all others. */
  tenant: string | null
  vm: string | null
  body: string
}

export interface UserRow extends Stamps {
  id: string
  tenant: string | null
  /** Names with a space between. */
  roles: string
  passwordHash: string
  disabled: 0 | 1
}

export interface ApiKeyRow {
  id: string
  label: string
  keySha256: string
  /** Names with a space between. */
  roles: string
  createdAtMs: number
  expiresAtMs: number | null
  lastUsedAtMs: number | null
  revokedAtMs: number | null
  revision: number
}

export interface ApiKeyTenantRow {
  key: string
  tenant: string
}

export interface GrantRow {
  id: string
  ref: string
  jti: string
  vm: string
  host: string
  tenant: string
  user: string
  destination: string
  issuerThumbprint: string
  fileName: string
  clientAddress: string | null
  createdAtMs: number
  expiresAtMs: number
  revokedAtMs: number | null
}

export interface PortalSessionRow {
  tokenSha256: string
  user: string
  createdAtMs: number
  lastSeenAtMs: number
  expiresAtMs: number
}

export interface RedeemRow {
  key: string
  jti: string | null
  issuerThumbprint: string
  tenant: string | null
  user: string | null
  vm: string | null
  hostKind: HostKind | null
  host: string | null
  issuedAtMs: number
  expiresAtMs: number
  reconnectMs: number
  client: string
  firstRedeemMs: number
  burned: string | null
  superseded: 0 | 1
  forgetAtMs: number
  revision: number
}

export interface LeaseRow {
  id: string
  key: string
  node: string
  tunnel: string
  clientAddress: string
  openedAtMs: number
  seenAtMs: number
  endedAtMs: number | null
  endReason: string | null
  transport: string | null
  takesMessages: 0 | 1 | null
  idleSeconds: number | null
  bytesIn: number | null
  bytesOut: number | null
}

export interface RevocationRow {
  id: string
  kind: StoredRevocation['kind']
  value: string
  atMs: number
  untilMs: number
  endSessions: 0 | 1
  note: string | null
  askedBy: string
}

export interface IssuerRow {
  thumbprint: string
  purpose: TrustedCertificate['purpose']
  certificatePem: string
  use: TrustedCertificate['use']
  broker: string | null
  notBeforeMs: number | null
  notAfterMs: number | null
  addedAtMs: number
  publishedVersion: number
  certificateFile: string | null
  privateKeyFile: string | null
}

export interface NodeRow {
  name: string
  address: string | null
  software: string | null
  certificateNotAfterMs: number | null
  state: NonNullable<GatewayNode['state']> | null
  reason: string | null
  tunnels: number | null
  clockOffsetMs: number | null
  leftAtMs: number | null
  drainAskedAtMs: number | null
  drainDeadlineMs: number | null
  drainMessage: string | null
  drainAskedBy: string | null
}

export interface TimelineRow {
  id: string
  subject: string
  ref: string | null
  atMs: number
  event: string
  verified: 0 | 1
  body: string
}

export interface AuditRow {
  broker: string
  seq: number
  prev: string
  hash: string
  atMs: number
  actor: string
  action: string
  subject: string
  outcome: string
  ref: string | null
  details: string | null
}

/** A counter that never goes down. */
export interface VersionRow {
  name: 'trust' | 'revocations'
  value: number
}

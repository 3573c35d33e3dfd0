import type { ConsoleMode, HostKind, IdentifyMode } from './records.ts'

/**
 * The tables as TypeScript sees them: camelCase here, snake_case in the database. Only types that
 * SQLite and PostgreSQL share are used: text, and integers below 2^53 (times, flags as 0 and 1).
 * `revision` starts at 1 and counts replacements, which tells an insert from an update.
 */
export interface Database {
  tenants: TenantRow
  hosts: HostRow
  vms: VmRow
  users: UserRow
  apiKeys: ApiKeyRow
  grants: GrantRow
  portalSessions: PortalSessionRow
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
  consoleAllow: 0 | 1
  consoleMode: ConsoleMode | null
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

export interface UserRow extends Stamps {
  id: string
  tenant: string | null
  passwordHash: string
}

export interface ApiKeyRow {
  id: string
  label: string
  keySha256: string
  createdAtMs: number
  revokedAtMs: number | null
  revision: number
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

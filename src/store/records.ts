/**
 * What the store keeps. Times are milliseconds since the Unix epoch, UTC; an absent field is NULL in
 * the table. No record holds a token, a password or a key: only hashes of the last two.
 */

/** Longest text, in characters, per sort of column; the tables check the same numbers. */
export const MAX_ID_LENGTH = 64
export const MAX_USER_ID_LENGTH = 128
export const MAX_NAME_LENGTH = 200
export const MAX_ADDRESS_LENGTH = 255

export const HOST_KINDS = ['rdp', 'hyperv', 'agent', 'vnc'] as const
export type HostKind = (typeof HOST_KINDS)[number]

export const IDENTIFY_MODES = ['fqdn', 'name', 'ipv4', 'ipv6'] as const
export type IdentifyMode = (typeof IDENTIFY_MODES)[number]

export const CONSOLE_MODES = ['basic', 'enhanced'] as const
export type ConsoleMode = (typeof CONSOLE_MODES)[number]

/** Network level authentication: whether clients sign in before the session begins. */
export const NLA_SETTINGS = ['on', 'off'] as const
export type NlaSetting = (typeof NLA_SETTINGS)[number]

export interface Tenant {
  id: string
  name: string
}

/** What a host is called beside its address, by form; IPv6 without brackets. */
export type HostNames = { [Form in IdentifyMode]?: string | undefined }

/** A hypervisor host, or a machine that serves RDP itself. */
export interface Host {
  id: string
  kind: HostKind
  /** Name or literal address without brackets, as the operator wrote it. */
  address: string
  port: number
  /** Which of its names goes into token and file. */
  identify: IdentifyMode
  /** With the one that `identify` names, unless the address is it. */
  names?: HostNames
  /** Consoles are refused until an operator opts the host in. */
  consoleAllow: boolean
  /** `hyperv` only. */
  consoleMode?: ConsoleMode
  /** `rdp` only; on when absent. */
  nla?: NlaSetting
  /** SHA-256 thumbprint that its TLS certificate has to have, upper-case hex. */
  pin?: string
}

/** How a node last found a host. */
export interface StoredProbe {
  host: string
  node: string
  state: string
  /** Since when it has been in this state. */
  sinceMs: number
  probedAtMs: number
  /** JSON; what it says is not the store's business. */
  body: string
}

/** What a probe has to know of a host; the address is what tokens call it. */
export interface ProbeTarget extends Pick<Host, 'id' | 'kind' | 'address' | 'port' | 'pin'> {
  /** Of one of its machines, always the same one. */
  guid?: string
}

export interface Vm {
  id: string
  name: string
  tenant: string
  host: string
  /** VM GUID in lower case with dashes; `hyperv` and `agent` hosts find the machine by it. */
  guid?: string
  /** Only where it differs from the host's: RDP inside the guest, or one port per machine. */
  address?: string
  port?: number
}

/** A machine with its host and tenant: all that a console needs, in one read. */
export interface VmPlacement {
  vm: Vm
  host: Host
  tenant: Tenant
}

/** Whose policy: the provider's for everybody, or one tenant's or VM's, by id. Their order is that of the layers. */
export type PolicyScope = 'provider' | `tenant:${string}` | `vm:${string}`

/** One layer of policy; what it says is not the store's business. */
export interface StoredPolicy {
  scope: PolicyScope
  /** JSON. */
  body: string
}

/** All that consoles are made of. */
export interface InventoryRecords {
  tenants: Tenant[]
  hosts: Host[]
  vms: Vm[]
}

/** Those that a user is given; each one's meaning is the broker's business. */
export const USER_ROLES = ['viewer', 'support', 'operator', 'trust-admin'] as const
export type UserRole = (typeof USER_ROLES)[number]

/** What a key may do. */
export const ROLES = ['portal', ...USER_ROLES] as const
export type Role = (typeof ROLES)[number]

/** Someone who signs in at the portal. */
export interface User {
  id: string
  /** Absent for the provider's own people. */
  tenant?: string
  /** None for a tenant's users. */
  roles: UserRole[]
  /** May not sign in. */
  disabled: boolean
  /** Self-describing text of a slow password hash. */
  passwordHash: string
}

export interface ApiKey {
  id: string
  label: string
  /** SHA-256 of the whole key text, lower-case hex. */
  keySha256: string
  roles: Role[]
  /** Whom `portal` is bound to, in the order of ids; a tenant that is deleted is gone from here as well. */
  tenants: string[]
  createdAtMs: number
  /** Absent: never. */
  expiresAtMs?: number
  /** To the minute; absent: never used. */
  lastUsedAtMs?: number
  revokedAtMs?: number
}

/** The right to open one console that a token stands for. */
export interface Grant {
  id: string
  /** What a person reads to support: `7K3M-Q2XD`. Not unique over years: the newest one is meant. */
  ref: string
  jti: string
  vm: string
  host: string
  tenant: string
  /** The token's subject. */
  user: string
  /** `host:port` as written into token and file. */
  destination: string
  /** SHA-256 thumbprint of the issuer certificate, upper-case hex. */
  issuerThumbprint: string
  /** Name under which the file was handed out. */
  fileName: string
  /** Address or prefix that asked, where it is known. */
  clientAddress?: string
  createdAtMs: number
  expiresAtMs: number
  revokedAtMs?: number
}

export interface PortalSession {
  /** SHA-256 of the session token, lower-case hex. */
  tokenSha256: string
  user: string
  createdAtMs: number
  lastSeenAtMs: number
  expiresAtMs: number
}

/** One line of somebody's timeline. */
export interface TimelineEntry {
  /** Unique, and sorts in the order of writing. */
  id: string
  /** What it is about: the `jti` of a token; where there is none, something else that is the same in all lines of one try. */
  subject: string
  /** Reference of this line itself. */
  ref?: string
  atMs: number
  event: string
  /** Said of a token that was verified, or by somebody we know; what is not came from a stranger. */
  verified: boolean
  /** JSON; what it says is not the store's business. */
  body: string
}

/** One thing that somebody did, bound to the one before it. What the texts say is not the store's business. */
export interface AuditRecord {
  broker: string
  /** From 1 on, without gaps. */
  seq: number
  /** Hash of the record before. */
  prev: string
  /** SHA-256 of all the rest, lower-case hex. */
  hash: string
  atMs: number
  actor: string
  action: string
  subject: string
  outcome: string
  ref?: string
  /** JSON. */
  details?: string
}

/** A broker has signed that its chain came to this record. */
export interface StoredCheckpoint {
  broker: string
  seq: number
  /** Of that record. */
  hash: string
  atMs: number
  /** What was signed, with the signature: compact JWS. */
  text: string
}

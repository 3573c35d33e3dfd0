import type {
  ApiKey,
  AuditRecord,
  Grant,
  Host,
  InventoryRecords,
  PolicyScope,
  PortalSession,
  ProbeTarget,
  StoredCheckpoint,
  StoredPolicy,
  StoredProbe,
  Tenant,
  TimelineEntry,
  User,
  Vm,
  VmPlacement,
} from './records.ts'
import type {
  ConsoleSession,
  GatewayNode,
  Lease,
  LeaseUsage,
  NodeDrain,
  NodeFacts,
  Redeem,
  StoredRevocation,
  StoredTrustSet,
  TrustedCertificate,
  Verifier,
} from './trust-records.ts'

/** What `put` did: there was no such id before, or there was and its record is now this one. */
export type PutOutcome = 'created' | 'replaced'

/** What `delete` did; `in-use` means other records still name it, and nothing was deleted. */
export type DeleteOutcome = 'deleted' | 'not-found' | 'in-use'

/** Part of a list in the order of ids. */
export interface IdPage {
  /** Only ids behind this one. */
  after?: string
  /** At most so many; absent: all. */
  limit?: number
}

/** Part of the machines: those of one tenant, or on one host. */
export interface VmPage extends IdPage {
  tenant?: string | undefined
  host?: string | undefined
}

/**
 * The broker's memory. Each call is atomic and durable when its promise resolves; lists come in the
 * order of ids. Engines differ only in where the bytes are: one contract suite runs against all.
 *
 * @throws BrokerError `ERR_STORE` from every method when the engine fails or a record breaks a
 *   constraint that its writer should have checked, such as a VM on an unknown host
 */
export interface Store {
  readonly tenants: Tenants
  readonly hosts: Hosts
  readonly hostProbes: HostProbes
  readonly vms: Vms
  readonly inventory: Inventory
  readonly policies: Policies
  readonly users: Users
  readonly keys: ApiKeys
  readonly grants: Grants
  readonly sessions: PortalSessions
  readonly redeems: Redeems
  readonly leases: Leases
  readonly revocations: Revocations
  readonly trust: Trust
  readonly verifiers: Verifiers
  readonly nodes: Nodes
  readonly timeline: Timeline
  readonly audit: Audit
  /** Resolves when the engine answers. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface Tenants {
  put(tenant: Tenant, nowMs: number): Promise<PutOutcome>
  get(id: string): Promise<Tenant | undefined>
  list(page?: IdPage): Promise<Tenant[]>
  /** `in-use` while it has VMs or users. */
  delete(id: string): Promise<DeleteOutcome>
}

export interface Hosts {
  put(host: Host, nowMs: number): Promise<PutOutcome>
  get(id: string): Promise<Host | undefined>
  list(page?: IdPage): Promise<Host[]>
  /** `in-use` while VMs are on it. */
  delete(id: string): Promise<DeleteOutcome>
  /** Switches its consoles on or off, and nothing else; false when the id is unknown. */
  allowConsole(id: string, allow: boolean, nowMs: number): Promise<boolean>
}

/** How nodes found hosts; it goes with its host. */
export interface HostProbes {
  /** In place of what this node found before. */
  put(probe: StoredProbe): Promise<void>
  get(host: string, node: string): Promise<StoredProbe | undefined>
  /** Not older than that, by host, then node; of these hosts when given, 500 at most. */
  list(sinceMs: number, hosts?: readonly string[]): Promise<StoredProbe[]>
  /** All hosts that are opted in; or this one, opted in or not. */
  listTargets(host?: string): Promise<ProbeTarget[]>
  deleteBefore(timeMs: number): Promise<void>
}

export interface Vms {
  /** Tenant and host must exist. */
  put(vm: Vm, nowMs: number): Promise<PutOutcome>
  get(id: string): Promise<Vm | undefined>
  list(page?: VmPage): Promise<Vm[]>
  delete(id: string): Promise<DeleteOutcome>
  /** Those on a host that have no GUID, in the order of ids, so many at most. */
  listWithoutGuid(host: string, limit: number): Promise<string[]>
  getPlacement(id: string): Promise<VmPlacement | undefined>
  /** The tenant's machines, by name. */
  listPlacements(tenant: string): Promise<VmPlacement[]>
}

/** What `Inventory.change` puts: records that are not named stay as they are. */
export type InventoryChange = Partial<InventoryRecords>

export interface InventoryDecision<Result> {
  result: Result
  put: InventoryChange
}

/** Tenants, hosts and VMs at once. */
export interface Inventory {
  /**
   * Puts all that `decide` gives, or none of it, and only on what it has seen. Others wait for the writing alone, unless
   * the inventory changes again and again meanwhile.
   *
   * @param decide pure, and may be asked again; when it fails nothing is put
   */
  change<Result>(
    decide: (
      current: InventoryRecords,
    ) => InventoryDecision<Result> | Promise<InventoryDecision<Result>>,
    nowMs: number,
  ): Promise<Result>
}

export interface Policies {
  /** Tenant or VM must exist; when it is deleted, its policy goes with it. */
  put(scope: PolicyScope, body: string, nowMs: number): Promise<PutOutcome>
  get(scope: PolicyScope): Promise<string | undefined>
  /** The provider's, the tenant's and the VM's, as far as they are named and there are any, the outermost first. */
  listFor(of: { tenant?: string | undefined; vm?: string | undefined }): Promise<StoredPolicy[]>
  /** The provider's, the tenant's and those of all its VMs, the outermost first. */
  listOfTenant(tenant: string): Promise<StoredPolicy[]>
}

export interface Users {
  /** Its tenant must exist. */
  put(user: User, nowMs: number): Promise<PutOutcome>
  get(id: string): Promise<User | undefined>
  list(page?: IdPage): Promise<User[]>
  /** Its portal sessions go with it. */
  delete(id: string): Promise<DeleteOutcome>
}

export interface ApiKeys {
  /** Replacing a key's hash makes the old key text worthless at once. */
  put(key: ApiKey): Promise<PutOutcome>
  /** Puts the very first key; false, and nothing is put, when there is or ever was one. */
  putFirst(key: ApiKey): Promise<boolean>
  /** Puts a key with an id that no other has, or ever had; false, and nothing is put, when there is one. */
  insert(key: ApiKey): Promise<boolean>
  /** Revoked keys are not found; those that have expired are. */
  findBySha256(keySha256: string): Promise<ApiKey | undefined>
  get(id: string): Promise<ApiKey | undefined>
  /** Revoked ones as well. */
  list(page?: IdPage): Promise<ApiKey[]>
  /** Moves `lastUsedAtMs`; an unknown key is no error. */
  touch(id: string, nowMs: number): Promise<void>
  /**
   * Revoking twice keeps the first time.
   *
   * @param mayDoWithout decides about all other keys, in one transaction with the revocation
   * @returns false, and nothing is revoked, when the id is unknown or the others don't do
   */
  revoke(
    id: string,
    nowMs: number,
    mayDoWithout?: (others: readonly ApiKey[]) => boolean,
  ): Promise<boolean>
}

export interface Grants {
  insert(grant: Grant): Promise<void>
  get(id: string): Promise<Grant | undefined>
  /** The newest grant with this reference. */
  findByRef(ref: string): Promise<Grant | undefined>
  findByJti(jti: string): Promise<Grant | undefined>
  /** How many grants of the tenant's user are neither expired nor revoked by themselves. */
  countOpen(whose: Pick<Grant, 'tenant' | 'user'>, nowMs: number): Promise<number>
  /** Those that `countOpen` counts. */
  listOpen(whose: Pick<Grant, 'tenant' | 'user'>, nowMs: number): Promise<Grant[]>
  /** False when the id is unknown; revoking twice keeps the first time. */
  revoke(id: string, nowMs: number): Promise<boolean>
  /** @returns how many grants that expired before this were forgotten */
  deleteExpiredBefore(timeMs: number): Promise<number>
}

export interface PortalSessions {
  /** Only while its user may sign in and has this very password; false, and nothing is put, otherwise. */
  insert(session: PortalSession, passwordHash: string): Promise<boolean>
  get(tokenSha256: string): Promise<PortalSession | undefined>
  /** Moves `lastSeenAtMs`; an unknown session is no error. */
  touch(tokenSha256: string, nowMs: number): Promise<void>
  delete(tokenSha256: string): Promise<void>
  /** @returns how many the user had */
  deleteOfUser(user: string): Promise<number>
  deleteExpiredBefore(timeMs: number): Promise<number>
}

/** What is decided of one presentation of a token, and what is to be kept of it. */
export interface RedeemOutcome<Result> {
  result: Result
  /** With a first redeem; its VM's older reconnect windows end. */
  redeem?: Redeem
  /** With a new tunnel. */
  lease?: Lease
  /** The token belongs to this client instead. */
  rebind?: Pick<Redeem, 'client' | 'firstRedeemMs'>
}

export interface Redeems {
  /**
   * Judges one presentation: reads what is known of the token, asks `decide`, keeps its outcome, all in
   * one transaction. Of any number at the same moment each sees what the ones before it left.
   *
   * @param decide pure, and may be asked again; `leases` are in the order of opening, `others` are the VM's open
   *   sessions with other tokens
   * @param vm absent: `others` is 0, and nothing is counted
   */
  redeem<Result>(
    key: string,
    decide: (
      known: { redeem: Redeem; leases: Lease[] } | undefined,
      others: number,
    ) => RedeemOutcome<Result>,
    vm?: string,
  ): Promise<Result>
  get(key: string): Promise<Redeem | undefined>
  /** Makes the token worthless; the first reason stays. False when it was never redeemed. */
  burn(key: string, reason: string): Promise<boolean>
  /** Makes every redeemed token worthless that the revocation hits. */
  burnRevoked(revocation: StoredRevocation): Promise<void>
  /** @returns how many redeems, with their leases, were forgotten */
  deleteForgotten(nowMs: number): Promise<number>
}

export interface LeaseEnd {
  node: string
  tunnel: string
  endedAtMs: number
  reason?: string
  bytesIn?: number
  bytesOut?: number
  /** The token becomes worthless as well. */
  burns?: boolean
}

/** `host` is the id of a host: the sessions of the machines that are on it now. */
export type SessionFilter = {
  [Name in 'ref' | 'vm' | 'tenant' | 'host' | 'user' | 'node']?: string | undefined
}

export interface Leases {
  /** Ends it once; later calls only add what is not known yet. An unknown tunnel is no error. */
  end(end: LeaseEnd): Promise<void>
  /** These tunnels of the node are alive; those that were given up as lost are open again. */
  renew(node: string, tunnels: readonly string[], nowMs: number): Promise<void>
  /** As `renew`, with what is known of these tunnels by now. */
  report(node: string, usages: readonly LeaseUsage[], nowMs: number): Promise<void>
  /** What does not change while a tunnel lives; an unknown one is no error. */
  describe(
    tunnel: Pick<Lease, 'node' | 'tunnel'> & Pick<LeaseUsage, 'transport' | 'takesMessages'>,
  ): Promise<void>
  /** Ends leases that no heartbeat has named since then, at their last one, with `node-lost`. */
  endLost(seenBeforeMs: number): Promise<ConsoleSession[]>
  /** Open sessions, oldest first; all that is named has to be the same. */
  list(filter?: SessionFilter): Promise<ConsoleSession[]>
  /** Open ones of the node whose token is worthless, each with the reason. */
  listBurned(node: string): Promise<Array<ConsoleSession & { burned: string }>>
  /** Open or ended, as long as it is remembered. */
  get(id: string): Promise<ConsoleSession | undefined>
  find(node: string, tunnel: string): Promise<ConsoleSession | undefined>
  /** How many tokens have an open tunnel to the VM. */
  countOfVm(vm: string): Promise<number>
}

export interface Revocations {
  /** @returns the new version of the set */
  add(revocation: StoredRevocation): Promise<number>
  /** The version, and what is still in force, oldest first. */
  list(nowMs: number): Promise<{ version: number; items: StoredRevocation[] }>
  deleteExpiredBefore(timeMs: number): Promise<number>
}

export interface Trust {
  get(): Promise<StoredTrustSet>
  /**
   * Replaces the issuers by what `change` makes of them, in one transaction, under the next version.
   *
   * @param change pure, and may be asked again; undefined leaves everything as it is
   */
  change(
    change: (current: StoredTrustSet, nextVersion: number) => TrustedCertificate[] | undefined,
  ): Promise<StoredTrustSet>
}

export interface Verifiers {
  put(verifier: Verifier): Promise<void>
  /** Moves only what is given; an unknown verifier is made. */
  seen(verifier: Pick<Verifier, 'name' | 'role' | 'lastSeenMs'> & Partial<Verifier>): Promise<void>
  /** By role, then name. */
  list(): Promise<Verifier[]>
  /** False when there is none. */
  delete(role: Verifier['role'], name: string): Promise<boolean>
}

/** Gateway nodes; those that are verifiers no longer are not listed, but what was ordered stays. */
export interface Nodes {
  /** Moves only what is given; an unknown node is made. */
  seen(facts: NodeFacts): Promise<void>
  /**
   * What it has said of its state counts no longer: the next word of it is an answer to this.
   *
   * @param drain undefined: in service again
   * @returns false when no such node was ever seen
   */
  drain(name: string, drain: NodeDrain | undefined): Promise<boolean>
  /** Also of a node that is not listed. */
  getDrain(name: string): Promise<NodeDrain | undefined>
  get(name: string): Promise<GatewayNode | undefined>
  /** In the order of names. */
  list(): Promise<GatewayNode[]>
}

/** What happened to grants and to whoever was refused, for support to look up. */
export interface Timeline {
  /**
   * By one writer at a time.
   *
   * @param most entries of one subject, those that are verified and the others; one more is left out
   */
  add(entries: readonly TimelineEntry[], most: { verified: number; others: number }): Promise<void>
  /** In the order of time. */
  list(subject: string): Promise<TimelineEntry[]>
  /** Of the newest entry with this reference. */
  findSubject(ref: string): Promise<string | undefined>
  /** Forgets what is older, and of the unverified all but the newest so many. */
  trim(to: { beforeMs: number; mostUnverified: number }): Promise<void>
}

/** The place behind which a list goes on. */
export interface AuditPlace {
  broker: string
  seq: number
}

export interface AuditQuery {
  /** Not with `newest`. */
  after?: AuditPlace
  limit: number
  /** By time, the last first; else by broker and number. */
  newest?: boolean
  actor?: string
  action?: string
  ref?: string
}

/** Who did what; a chain for each broker. Nothing is ever changed, and only `forget` removes. */
export interface Audit {
  /** All of them or none; a number that is taken is an error. */
  append(records: readonly AuditRecord[]): Promise<void>
  last(broker: string): Promise<AuditRecord | undefined>
  list(query: AuditQuery): Promise<AuditRecord[]>
  addCheckpoint(checkpoint: StoredCheckpoint): Promise<void>
  lastCheckpoint(broker: string): Promise<StoredCheckpoint | undefined>
  /** By broker and number. */
  listCheckpoints(query: Pick<AuditQuery, 'after' | 'limit'>): Promise<StoredCheckpoint[]>
  /** Removes all records up to the last checkpoint that is older; that checkpoint stays. */
  forget(broker: string, beforeMs: number): Promise<void>
}

import type {
  ApiKey,
  Grant,
  Host,
  PortalSession,
  Tenant,
  User,
  Vm,
  VmPlacement,
} from './records.ts'

/** What `put` did: there was no such id before, or there was and its record is now this one. */
export type PutOutcome = 'created' | 'replaced'

/** What `delete` did; `in-use` means other records still name it, and nothing was deleted. */
export type DeleteOutcome = 'deleted' | 'not-found' | 'in-use'

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
  readonly vms: Vms
  readonly users: Users
  readonly keys: ApiKeys
  readonly grants: Grants
  readonly sessions: PortalSessions
  /** Resolves when the engine answers. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface Tenants {
  put(tenant: Tenant, nowMs: number): Promise<PutOutcome>
  get(id: string): Promise<Tenant | undefined>
  list(): Promise<Tenant[]>
  /** `in-use` while it has VMs or users. */
  delete(id: string): Promise<DeleteOutcome>
}

export interface Hosts {
  put(host: Host, nowMs: number): Promise<PutOutcome>
  get(id: string): Promise<Host | undefined>
  list(): Promise<Host[]>
  /** `in-use` while VMs are on it. */
  delete(id: string): Promise<DeleteOutcome>
}

export interface Vms {
  /** Tenant and host must exist. */
  put(vm: Vm, nowMs: number): Promise<PutOutcome>
  get(id: string): Promise<Vm | undefined>
  list(): Promise<Vm[]>
  delete(id: string): Promise<DeleteOutcome>
  getPlacement(id: string): Promise<VmPlacement | undefined>
  /** The tenant's machines, by name. */
  listPlacements(tenant: string): Promise<VmPlacement[]>
}

export interface Users {
  put(user: User, nowMs: number): Promise<PutOutcome>
  get(id: string): Promise<User | undefined>
}

export interface ApiKeys {
  /** Replacing a key's hash makes the old key text worthless at once. */
  put(key: ApiKey): Promise<PutOutcome>
  /** Revoked keys are not found. */
  findBySha256(keySha256: string): Promise<ApiKey | undefined>
  /** False when the id is unknown; revoking twice keeps the first time. */
  revoke(id: string, nowMs: number): Promise<boolean>
}

export interface Grants {
  insert(grant: Grant): Promise<void>
  get(id: string): Promise<Grant | undefined>
  /** The newest grant with this reference. */
  findByRef(ref: string): Promise<Grant | undefined>
  /** False when the id is unknown; revoking twice keeps the first time. */
  revoke(id: string, nowMs: number): Promise<boolean>
  /** @returns how many grants that expired before this were forgotten */
  deleteExpiredBefore(timeMs: number): Promise<number>
}

export interface PortalSessions {
  insert(session: PortalSession): Promise<void>
  get(tokenSha256: string): Promise<PortalSession | undefined>
  /** Moves `lastSeenAtMs`; an unknown session is no error. */
  touch(tokenSha256: string, nowMs: number): Promise<void>
  delete(tokenSha256: string): Promise<void>
  deleteExpiredBefore(timeMs: number): Promise<number>
}

/**
 * The broker's memory: tenants, hosts, machines, users, API keys, grants, portal sessions; which tokens
 * were redeemed and by whom; whom verifiers trust and what is revoked. One interface, engines behind it;
 * SQLite is the one there is. It holds no token, password or key, only hashes, and decides nothing: who
 * may do what is the broker's business. Start at `store.ts`.
 */
export * from './records.ts'
export { openSqliteStore } from './sqlite.ts'
export type {
  ApiKeys,
  Audit,
  AuditPlace,
  AuditQuery,
  DeleteOutcome,
  Grants,
  HostProbes,
  Hosts,
  IdPage,
  Inventory,
  InventoryChange,
  LeaseEnd,
  Leases,
  Nodes,
  Policies,
  PortalSessions,
  PutOutcome,
  RedeemOutcome,
  Redeems,
  Revocations,
  SessionFilter,
  Store,
  Tenants,
  Timeline,
  Trust,
  Users,
  Verifiers,
  VmPage,
  Vms,
} from './store.ts'
export * from './trust-records.ts'

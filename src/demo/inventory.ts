import type { AgentPlace } from './config-files.ts'
import { ALPHA, BRAVO, HOST, OPERATOR_USER, TENANT, TENANT_USER } from './names.ts'
import type { DemoSecrets } from './secrets.ts'
import type { Target } from './target.ts'

/** All that a user can be given, since `viewer` may no more than these. */
const OPERATOR_ROLES = ['support', 'operator', 'trust-admin'] as const
type OperatorRole = (typeof OPERATOR_ROLES)[number]

/** What the demo's store holds. */
export interface SeedContent {
  tenant: { id: string; name: string }
  users: Array<{ id: string; password: string; tenant?: string; roles?: OperatorRole[] }>
  apiKey: string
  hosts: Array<{ id: string; kind: 'rdp' | 'agent'; address: string; port: number }>
  vms: Array<{ id: string; name: string; host: string; port?: number; guid?: string }>
}

/** Tenant, users, key, hosts and machines, as they are on this start. */
export function seedContent(secrets: DemoSecrets, target: Target): SeedContent {
  const { host: address, port, agent } = target
  return {
    tenant: TENANT,
    users: [
      { id: OPERATOR_USER, password: secrets.operatorPassword, roles: [...OPERATOR_ROLES] },
      { id: TENANT_USER, password: secrets.tenantPassword, tenant: TENANT.id },
    ],
    apiKey: secrets.apiKey,
    hosts: [
      { id: HOST, kind: 'rdp', address, port },
      ...behindAgent(agent, ({ id, port }) => ({ id, kind: 'agent' as const, address, port })),
    ],
    vms: [
      { ...ALPHA, host: HOST },
      ...behindAgent(agent, ({ id, guid }) => ({ ...BRAVO, host: id, guid })),
    ],
  }
}

function behindAgent<T>(agent: AgentPlace | undefined, make: (agent: AgentPlace) => T): T[] {
  return agent === undefined ? [] : [make(agent)]
}

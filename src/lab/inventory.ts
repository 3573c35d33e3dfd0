import { AGENT_HOST } from './certificates.ts'
import type { LabBroker } from './roles.ts'

/** The lab's machines, each for what its scenarios need of it. */
export const Machine = {
  /** An RDP server that answers. */
  plain: 'lab-plain',
  /** As `plain`, with a reconnect window. */
  reconnect: 'lab-reconnect',
  sessionLimit: 'lab-session-limit',
  idleLimit: 'lab-idle-limit',
  /** One of two on a host of kind hyperv. */
  hyperv: 'lab-hyperv',
  /** Behind a host agent. */
  agent: 'lab-behind-agent',
  /** Switched off. */
  off: 'lab-off',
  /** On a port that nodes may not dial. */
  forbidden: 'lab-forbidden',
} as const
export type Machine = (typeof Machine)[keyof typeof Machine]

export const RECONNECT_SECONDS = 150
/** Of a session limit that a scenario waits for where nobody can make seconds shorter. */
export const SHORT_SESSION_SECONDS = 5
export const HYPERV_GUID = '11111111-2222-4333-8444-555555555555'
export const OTHER_GUID = '99999999-2222-4333-8444-555555555555'

export const AGENT_GUID = '22222222-2222-4333-8444-555555555555'

const TENANT = 'lab'

export interface Ports {
  rdp: number
  hyperv: number
  agent: number
  /** Nobody listens there. */
  off: number
  forbidden: number
}

/** Puts tenant, hosts, machines and their policy into the broker, as an operator does. */
export async function fillInventory({ api }: LabBroker, ports: Ports): Promise<void> {
  const putHost = (id: string, kind: 'rdp' | 'hyperv' | 'agent', port: number) =>
    api('PUT', `/v1/hosts/${id}`, { kind, address: '127.0.0.1', port, console: { allow: true } })
  const putVm = (id: Machine, host: string, more: object = {}) =>
    api('PUT', `/v1/vms/${id}`, { name: id, tenant: TENANT, host, ...more })
  const putPolicy = (id: Machine, values: object) =>
    api('PUT', `/v1/policy/vms/${id}`, { default: values })

  await api('PUT', `/v1/tenants/${TENANT}`, { name: 'Laboratory' })
  await putHost('lab-rdp', 'rdp', ports.rdp)
  await putHost('lab-hyperv', 'hyperv', ports.hyperv)
  await putHost(AGENT_HOST, 'agent', ports.agent)
  await putVm(Machine.plain, 'lab-rdp')
  await putVm(Machine.reconnect, 'lab-rdp')
  await putVm(Machine.sessionLimit, 'lab-rdp')
  await putVm(Machine.idleLimit, 'lab-rdp')
  await putVm(Machine.hyperv, 'lab-hyperv', { guid: HYPERV_GUID })
  await putVm(Machine.agent, AGENT_HOST, { guid: AGENT_GUID })
  await putVm(Machine.off, 'lab-rdp', { port: ports.off })
  await putVm(Machine.forbidden, 'lab-rdp', { port: ports.forbidden })
  await putPolicy(Machine.reconnect, { reconnectWindowSeconds: RECONNECT_SECONDS })
  await putPolicy(Machine.sessionLimit, { sessionLimitSeconds: 60 })
  await putPolicy(Machine.idleLimit, { idleLimitMinutes: 1 })
}

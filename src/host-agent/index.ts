/**
 * The verifying front of a hypervisor host: takes nodes' connections, reads the preconnection blob, verifies the
 * host token in it by itself, redeems it, connects the machine's local console and relays. It holds public
 * certificates and its own key, mints nothing, reads no configuration and no file. Start with `session.ts`,
 * which reads like a connection's life, and `admission.ts`, which decides.
 */
export { type ConsolePlace, type Consoles, createStaticConsoles } from './consoles.ts'
export { type AgentFigures, createHostAgent, type HostAgent } from './host-agent.ts'
export { type AgentLimits, DEFAULT_AGENT_LIMITS } from './limits.ts'
export { type AgentMetrics, createAgentMetrics } from './metrics.ts'
export type { AgentObserver } from './observer.ts'
export type { HostAgentOptions, NodeSecurity } from './options.ts'
export { createVirshConsoles, type VirshOptions } from './virsh.ts'

/**
 * One gateway node: TLS listeners, the two transports of MS-TSGU, set-up with token verification and
 * redeem, dialling, relay. It holds no issuer key, mints nothing, reads no configuration and no file.
 * Start with `gateway.ts`, then `setup.ts`, which reads like the protocol's sequence.
 */
export type { AgentSecurity } from './agent-connection.ts'
export type { NodeControlOptions } from './control/node-control.ts'
export { createGateway, type Gateway, type GatewayFigures } from './gateway.ts'
export type { LabOptions } from './lab.ts'
export { DEFAULT_LIMITS, type Limits } from './limits.ts'
export { createGatewayMetrics, type GatewayMetrics } from './metrics.ts'
export type { GatewayObserver } from './observer.ts'
export type { GatewayOptions } from './options.ts'
export { createTargetPolicy, type TargetPolicy, type TargetRule } from './targets.ts'
export type { WriteTrace } from './trace.ts'

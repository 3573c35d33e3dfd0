/**
 * Configuration of the roles: one YAML file and `PORTCULLIS_…` variables become one checked, frozen
 * value. It reads the file itself, never the files it names: certificates and keys are opened by `cli`.
 * Start with `broker.ts` and `gateway.ts`, the schemas.
 */
export type { BrokerConfig } from './broker.ts'
export { assertDevelopmentAllowed, type NamedCertificate } from './development.ts'
export { type ExplainOptions, explainKey, type KeyExplanation } from './explain.ts'
export type { FarmConfig } from './farm.ts'
export type { ConfigFault } from './faults.ts'
export type { PairFiles } from './fields.ts'
export type { GatewayConfig } from './gateway.ts'
export type { ConsolePlaceConfig, HostAgentConfig } from './host-agent.ts'
export {
  type CheckedConfig,
  checkConfig,
  loadBrokerConfig,
  loadFarmConfig,
  loadGatewayConfig,
  loadHostAgentConfig,
  type ReadResult,
} from './load.ts'
export { editorSchemaOf, ROLES, type RoleName } from './roles.ts'
export type { TrustFile, VerifierControl } from './verifier.ts'

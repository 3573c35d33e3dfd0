/**
 * The expiry laboratory: a broker, nodes, hosts and a host agent of its own in this process, under a clock that it
 * steers, or one node of a farm in service, in real time; and a scenario for each way in which a token can be
 * right or wrong. What a client saw, from its bytes, stands beside what the node's log said; what was expected is
 * compared with both and never shown in their place. The roles come as factories (`roles.ts`), so that this room
 * can't bend them.
 * Start with `run.ts`; `scenarios/` has the cases.
 */
export { type EchoHost, startEchoHost } from './echo-host.ts'
export {
  joinToken,
  privateKeyOf,
  signAnything,
  signWithPublicKey,
  splitToken,
} from './forge.ts'
export { LogBook } from './log-book.ts'
export { renderHtml } from './report/html.ts'
export { renderJunit } from './report/junit.ts'
export { describeLog, referencesOf } from './report/words.ts'
export type {
  ControlEnd,
  LabAgentOptions,
  LabBroker,
  LabBrokerOptions,
  LabNodeOptions,
  LabRoles,
  LabVerifier,
} from './roles.ts'
export {
  hasPassed,
  type LabOptions,
  type LabPlan,
  type LabResult,
  type RunningLabOptions,
  runLab,
  runLabAt,
  type ScenarioResult,
  type Verdict,
  verdictOf,
} from './run.ts'
export type { RunningFarmOptions } from './running-farm.ts'
export { SCENARIOS } from './scenarios/index.ts'

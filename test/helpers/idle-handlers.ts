import type { ControlHandlers } from '../../src/control/index.ts'

/** Of a peer that does nothing with what the broker says. */
export const IDLE_HANDLERS: ControlHandlers = {
  versions: () => ({ trust: 0, revocations: 0 }),
  applyTrust: () => {},
  applyRevocations: () => {},
  confirm: () => {},
  drain: () => {},
  status: () => undefined,
  kill: () => {},
  message: () => {},
  tunnels: () => [],
  connected: () => {},
}

import type { ControlClient } from '../../src/control/index.ts'

/** A channel to a broker that says yes to everything and writes nothing down. */
export const SILENT_CLIENT: ControlClient = {
  start: () => {},
  connected: true,
  redeem: async () => ({ ok: true }),
  release: () => {},
  event: () => {},
  probed: () => {},
  report: () => {},
  replaceCertificate: () => {},
  close: async () => {},
}

import type { Reason } from '../lib/index.ts'
import type { PacketTransport } from './transport/packet-transport.ts'

/** The four questions of set-up, [MS-TSGU] 1.3.2.1.2. */
export const SETUP_STEPS = ['handshake', 'tunnel', 'authorization', 'channel'] as const
export type SetupStep = (typeof SETUP_STEPS)[number]

/** Whose it is: a user's, or a tester's; before its token has been looked at, a user's. */
export type TunnelPurpose = 'gateway' | 'lab'

/** A live tunnel's figures; they grow while it lives. */
export interface TunnelFigures {
  /** `lab` is no user's, and counts apart. */
  readonly purpose: TunnelPurpose
  readonly transport: Pick<PacketTransport, 'kind'>
  /** Payload from the client to the host. */
  readonly bytesIn: number
  /** Payload from the host to the client. */
  readonly bytesOut: number
}

/**
 * Whoever counts what a node does. It hears of steps, never of bytes: those it reads from the tunnels
 * when it wants them. What it does must be quick and must not throw.
 */
export interface GatewayObserver {
  tunnelOpened(tunnel: TunnelFigures): void
  /** Once for each that was opened. */
  tunnelEnded(tunnel: TunnelFigures, reason: Reason): void
  /** A client did not get as far as an open channel; `gateway` when absent. */
  refused(reason: Reason, purpose?: TunnelPurpose): void
  /** @param seconds from the client's request to our yes */
  stepDone(step: SetupStep, seconds: number): void
}

export const NO_OBSERVER: GatewayObserver = {
  tunnelOpened() {},
  tunnelEnded() {},
  refused() {},
  stepDone() {},
}

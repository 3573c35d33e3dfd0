import {
  type ControlClient,
  type SessionRegistry,
  sessionEvent,
  VerifierControl,
  type VerifierControlOptions,
  type VerifierControlParts,
} from '../control/index.ts'
import type { Clock, LogFields } from '../lib/index.ts'

export interface AgentControlParts
  extends Pick<VerifierControlParts, 'ownLedger' | 'clock' | 'log'> {
  sessions: SessionRegistry
}

/** An agent's end of the control channel: it does what every verifier does, and nothing else. */
export function createAgentControl(
  options: VerifierControlOptions,
  parts: AgentControlParts,
): VerifierControl {
  return new VerifierControl(
    options,
    { ...parts, purpose: 'host' },
    {
      // Agents are not taken out of service by a broker: hosts are.
      drain: () => {},
      status: () => undefined,
      // A console can't be told anything.
      message: () => {},
      tunnels: () => parts.sessions.holding().map(({ id }) => ({ tunnel: id })),
    },
  )
}

/** So that the broker can say why a console that it has opened was refused here. */
export function tellRefused(
  { clock, client }: { clock: Clock; client: Pick<ControlClient, 'event'> },
  { jti, vm, host, remoteAddress, reason, error }: LogFields,
): void {
  const event = sessionEvent.safeParse({
    ...{ type: 'event', event: 'host.refused', time: clock.now() },
    fields: { jti, vm, host, remoteAddress, reason, error },
  })
  if (event.success) client.event(event.data)
}

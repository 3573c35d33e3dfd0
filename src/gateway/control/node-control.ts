import {
  isNamed,
  type NodeStatus,
  type SessionRegistry,
  VerifierControl,
  type VerifierControlOptions,
  type VerifierControlParts,
} from '../../control/index.ts'
import type { Drain } from '../drain.ts'
import type { Prober } from '../probe/index.ts'
import type { Session } from '../sessions.ts'
import { UsageSampler } from './usage.ts'

export type NodeControlOptions = VerifierControlOptions

export interface NodeControlParts
  extends Pick<VerifierControlParts, 'ownLedger' | 'clock' | 'log'> {
  sessions: SessionRegistry<Session>
  drain: Drain
  prober: Pick<Prober, 'ask'>
  /** How the node stands. */
  status(): NodeStatus
  /** Called when trust or clock has changed, on which the state depends. */
  tellState(): void
}

/** A node's end of the control channel: beside what every verifier does, it drains, shows messages and probes. */
export function createNodeControl(
  options: NodeControlOptions,
  parts: NodeControlParts,
): VerifierControl {
  const { sessions, drain, prober, status, clock } = parts
  /** A laboratory's are none of the broker's business, and no tenant's whatever their tokens say. */
  const isUsers = ({ purpose }: Session): boolean => purpose === 'gateway'
  const usage = new UsageSampler()
  const alsoRemember = () => (drain.order === undefined ? {} : { drain: drain.order })
  const control = new VerifierControl(
    options,
    { ...parts, alsoRemember },
    {
      status,
      drain(order) {
        if (drain.apply(order)) control.remember()
      },
      message({ by, text }) {
        const named = sessions.all().filter((session) => isUsers(session) && isNamed(session, by))
        for (const { log } of named.filter((session) => session.message(text))) {
          log.info('session.messaged', { characters: text.length })
        }
      },
      probe: ({ hosts, urgent }) => prober.ask(hosts, urgent),
      tunnels() {
        const nowMs = clock.now()
        const held = sessions.holding().filter(isUsers)
        return held.map((session) => usage.sample(session, nowMs))
      },
    },
  )
  const order = options.remembered?.drain
  // The deadline is the broker's time, but nobody is here to whom it would matter.
  if (order !== undefined) drain.apply({ ...order, leftMs: order.deadline - clock.now() })
  return control
}

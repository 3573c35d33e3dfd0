import { type Clock, type Metrics, REASONS } from '../lib/index.ts'
import type { AgentFigures } from './host-agent.ts'
import type { AgentObserver, SessionFigures } from './observer.ts'

export interface AgentMetrics {
  /** For the agent's options. */
  observer: AgentObserver
  /** Shows an agent's own figures as well. */
  watch(agent: { figures(): AgentFigures }): void
}

/** An agent's metrics. No label says anything of a token, a machine or a client's address. */
export function createAgentMetrics(metrics: Metrics, clock: Clock): AgentMetrics {
  const live = new Set<SessionFigures>()
  /** Of sessions that have ended. */
  const ended = { bytesIn: 0, bytesOut: 0 }
  const sum = (direction: keyof typeof ended): number =>
    [...live].reduce((total, session) => total + session[direction], ended[direction])

  const reasons = { label: 'reason', values: REASONS } as const
  metrics.gauge({ name: 'agent_sessions', help: 'Open consoles.' }, () => live.size)
  metrics.total({ name: 'bytes_in_total', help: 'Payload to consoles, in bytes.' }, () =>
    sum('bytesIn'),
  )
  metrics.total({ name: 'bytes_out_total', help: 'Payload from consoles, in bytes.' }, () =>
    sum('bytesOut'),
  )
  const countEnded = metrics.counter({
    name: 'agent_sessions_ended_total',
    help: 'Ends of consoles that were open.',
    ...reasons,
  })
  const countRefused = metrics.counter({
    name: 'refusals_total',
    help: 'Connections that did not get as far as a console.',
    ...reasons,
  })
  return {
    observer: {
      sessionOpened: (session) => void live.add(session),
      sessionEnded(session, reason) {
        live.delete(session)
        ended.bytesIn += session.bytesIn
        ended.bytesOut += session.bytesOut
        countEnded(reason)
      },
      refused: (reason) => countRefused(reason),
    },
    watch(agent) {
      metrics.certificates(() => agent.figures().issuers)
      metrics.gauge(
        { name: 'trust_version', help: 'Version of the trust set.' },
        () => agent.figures().trustVersion,
      )
      metrics.gauge(
        { name: 'trust_age_seconds', help: 'Since a broker last confirmed the trust set.' },
        () => {
          const { trustConfirmedMs } = agent.figures()
          if (trustConfirmedMs === undefined) return undefined
          return Math.max(0, clock.now() - trustConfirmedMs) / 1000
        },
      )
    },
  }
}

import { type Clock, type Metrics, REASONS } from '../lib/index.ts'
import type { GatewayFigures } from './gateway.ts'
import { type GatewayObserver, SETUP_STEPS, type TunnelFigures } from './observer.ts'

/** Verification takes a millisecond, dialling may take ten seconds. */
const STEP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface GatewayMetrics {
  /** For the node's options. */
  observer: GatewayObserver
  /** Shows a node's own figures as well. */
  watch(gateway: { figures(): GatewayFigures }): void
}

/** A node's metrics. No label says anything of a token, a user or a client's address. */
export function createGatewayMetrics(metrics: Metrics, clock: Clock): GatewayMetrics {
  const live = new Set<TunnelFigures>()
  const liveOfLab = new Set<TunnelFigures>()
  /** Of tunnels that have ended. */
  const ended = { bytesIn: 0, bytesOut: 0 }
  const sum = (direction: keyof typeof ended): number =>
    [...live].reduce((total, tunnel) => total + tunnel[direction], ended[direction])

  const transports = { label: 'transport', values: ['websocket', 'http'] } as const
  const reasons = { label: 'reason', values: REASONS } as const
  metrics.gaugeBy({ name: 'tunnels', help: 'Live tunnels.', ...transports }, (transport) =>
    [...live].reduce((count, tunnel) => count + Number(tunnel.transport.kind === transport), 0),
  )
  metrics.total({ name: 'bytes_in_total', help: 'Payload from clients to hosts, in bytes.' }, () =>
    sum('bytesIn'),
  )
  metrics.total({ name: 'bytes_out_total', help: 'Payload from hosts to clients, in bytes.' }, () =>
    sum('bytesOut'),
  )
  const countOpened = metrics.counter({
    name: 'tunnels_opened_total',
    help: 'Tunnels whose token was admitted.',
    ...transports,
  })
  const countEnded = metrics.counter({
    name: 'tunnels_ended_total',
    help: 'Ends of tunnels whose token was admitted.',
    ...reasons,
  })
  const countRefused = metrics.counter({
    name: 'refusals_total',
    help: 'Connections and tunnels that did not get as far as an open channel.',
    ...reasons,
  })
  metrics.gauge({ name: 'lab_tunnels', help: "Live tunnels of a laboratory's tokens." }, () => {
    return liveOfLab.size
  })
  const countOfLab = {
    opened: metrics.counter({
      name: 'lab_tunnels_opened_total',
      help: "Tunnels of a laboratory's tokens, which count nowhere else.",
      ...transports,
    }),
    refused: metrics.counter({
      name: 'lab_refusals_total',
      help: "Refusals of what named a laboratory's issuer, which count nowhere else.",
      ...reasons,
    }),
  }
  const observeStep = metrics.histogram(
    {
      name: 'setup_step_seconds',
      help: 'From a request of set-up to its positive answer.',
      label: 'step',
      values: SETUP_STEPS,
    },
    STEP_BUCKETS,
  )

  return {
    observer: {
      tunnelOpened(tunnel) {
        if (tunnel.purpose === 'lab') {
          liveOfLab.add(tunnel)
          countOfLab.opened(tunnel.transport.kind)
          return
        }
        live.add(tunnel)
        countOpened(tunnel.transport.kind)
      },
      tunnelEnded(tunnel, reason) {
        if (liveOfLab.delete(tunnel)) return
        live.delete(tunnel)
        ended.bytesIn += tunnel.bytesIn
        ended.bytesOut += tunnel.bytesOut
        countEnded(reason)
      },
      refused: (reason, purpose) => {
        if (purpose === 'lab') countOfLab.refused(reason)
        else countRefused(reason)
      },
      stepDone: observeStep,
    },
    watch(gateway) {
      metrics.certificates(() => gateway.figures().issuers)
      metrics.gauge({ name: 'half_open', help: 'Connections without a tunnel yet.' }, () => {
        return gateway.figures().halfOpen
      })
      metrics.gaugeBy(
        {
          name: 'queued_bytes',
          help: 'Bytes that wait for a host (in) or a client (out) that is slower than the other.',
          label: 'direction',
          values: ['in', 'out'],
        },
        (direction) => gateway.figures().queued[direction],
      )
      metrics.gauge({ name: 'trust_version', help: 'Version of the trust set.' }, () => {
        return gateway.figures().trustVersion
      })
      metrics.gauge(
        { name: 'trust_age_seconds', help: 'Since a broker last confirmed the trust set.' },
        () => {
          const { trustConfirmedMs } = gateway.figures()
          if (trustConfirmedMs === undefined) return undefined
          return Math.max(0, clock.now() - trustConfirmedMs) / 1000
        },
      )
    },
  }
}

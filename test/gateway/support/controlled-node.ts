import type {
  ControlHandlers,
  NodeStatus,
  ProbeResult,
  RedeemAnswer,
  RedeemRequest,
  RememberedTrust,
  SessionEvent,
} from '../../../src/control/index.ts'
import type { GatewayOptions, NodeControlOptions } from '../../../src/gateway/index.ts'
import type { Reason } from '../../../src/lib/index.ts'
import { SILENT_CLIENT } from '../../control/silent-client.ts'
import { startNode, type TestNode } from './test-node.ts'

/** A node with a broker in place of its control channel, that writes down what it is told. */
export interface ControlledNode {
  node: TestNode
  /** What a broker's messages call. */
  handlers: ControlHandlers
  redeems: RedeemRequest[]
  events: SessionEvent[]
  releases: [string, Reason | undefined][]
  /** What it has said before its heartbeat was due. */
  reports: (NodeStatus | undefined)[]
  /** How it found the hosts that it was told to probe. */
  probed: ProbeResult[]
  remembered: RememberedTrust[]
  giveTrust(version?: number): void
}

export interface ControlledOptions {
  control?: Partial<NodeControlOptions>
  gateway?: Partial<GatewayOptions>
  /** The broker's word on a redeem; yes to every one when absent. */
  answer?: (request: RedeemRequest) => Promise<RedeemAnswer>
}

/** It has no trust set yet: see `giveTrust`. */
export async function startControlledNode({
  control = {},
  gateway = {},
  answer = async () => ({ ok: true }),
}: ControlledOptions = {}): Promise<ControlledNode> {
  const redeems: RedeemRequest[] = []
  const events: SessionEvent[] = []
  const releases: ControlledNode['releases'] = []
  const reports: ControlledNode['reports'] = []
  const probed: ProbeResult[] = []
  const remembered: RememberedTrust[] = []
  const given = Promise.withResolvers<ControlHandlers>()
  const node = await startNode({
    limits: { closeTimeoutMs: 300 },
    control: {
      connect: (handlers) => {
        given.resolve(handlers)
        return {
          ...SILENT_CLIENT,
          redeem: (request) => {
            redeems.push(request)
            return answer(request)
          },
          release: (tunnel, reason) => void releases.push([tunnel, reason]),
          event: (event) => void events.push(event),
          probed: (result) => void probed.push(result),
          report: () => void reports.push(handlers.status()),
        }
      },
      maxTrustAgeMs: 60_000,
      whenBrokerAway: 'local',
      development: true,
      remember: (sets) => void remembered.push(sets),
      ...control,
    },
    ...gateway,
  })
  const handlers = await given.promise
  const giveTrust = (version = 1): void =>
    handlers.applyTrust({ version, asOf: 0, issuers: [node.trustedIssuer] })
  return { node, handlers, redeems, events, releases, reports, probed, remembered, giveTrust }
}

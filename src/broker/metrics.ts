import { type Clock, type Count, type Metrics, REASONS, type Reason } from '../lib/index.ts'
import type { Store } from '../store/index.ts'
import { issuerEnd } from '../tokens/index.ts'
import { API_CODES, type ProblemCode } from './errors.ts'
import { TOKEN_FORMATS, type TokenFormat } from './gateway-tokens.ts'
import { REDEEMED, type Redeemed } from './redeem.ts'
import { LOST_AFTER_MS } from './sessions.ts'
import type { TrustKeeper } from './trust-keeper.ts'

/** What the broker's parts count. */
export interface BrokerCounts {
  minted: Count<TokenFormat>
  /** A console that was asked for and not opened. */
  refused: Count<ProblemCode>
  redeemed: Count<Redeemed | Reason>
}

export interface BrokerMetricsOptions {
  metrics: Metrics
  store: Store
  trust: TrustKeeper
  clock: Clock
}

/** The broker's metrics. No label says anything of a token, a user or a client's address. */
export function createBrokerMetrics(options: BrokerMetricsOptions): BrokerCounts {
  const { metrics, store, trust, clock } = options
  metrics.certificates(async () => (await trust.list()).issuers.map(issuerEnd))
  metrics.gauge({ name: 'nodes', help: 'Nodes whose heartbeat came within 35 s.' }, async () => {
    const since = clock.now() - LOST_AFTER_MS
    const verifiers = await store.verifiers.list()
    return verifiers.filter(({ role, lastSeenMs }) => role === 'node' && lastSeenMs >= since).length
  })
  return {
    minted: metrics.counter({
      name: 'mints_total',
      help: 'Consoles opened.',
      label: 'format',
      values: TOKEN_FORMATS,
    }),
    refused: metrics.counter({
      name: 'mint_refusals_total',
      help: 'Consoles asked for and refused.',
      label: 'code',
      // A code may be a reason's word as well.
      values: [...new Set<ProblemCode>([...API_CODES, ...REASONS])],
    }),
    redeemed: metrics.counter({
      name: 'redeems_total',
      help: 'Redeems: how they went, or the reason of the refusal.',
      label: 'outcome',
      values: [...REDEEMED, ...REASONS],
    }),
  }
}

import type Koa from 'koa'
import type { Certificate } from '../certs/index.ts'
import type { ControlService } from '../control/index.ts'
import { BrokerError, type Clock, errorText, type Log, Metrics } from '../lib/index.ts'
import { BUILT_IN_POLICY, type PolicyValues } from '../policy/index.ts'
import type { Publisher } from '../rdpfile/index.ts'
import type { Store } from '../store/index.ts'
import {
  type ClientBinding,
  DEFAULT_REDEEM_RULE,
  type Issuer,
  type RedeemRule,
} from '../tokens/index.ts'
import { createApp } from './app.ts'
import { CHECKPOINT_EVERY_MS, createAudit } from './audit/audit.ts'
import { auditedRoute } from './audit/audited-route.ts'
import { createTally, TALLY_EVERY_MS } from './audit/tally.ts'
import { createAuthenticator } from './authenticate.ts'
import { createConsoles } from './consoles.ts'
import { createControlService } from './control-service.ts'
import { createPortalServices } from './create-portal-services.ts'
import { createDnsResolver } from './dns-resolver.ts'
import { createEventStream } from './event-stream.ts'
import { createHostConsoles } from './host-consoles.ts'
import type { HostResolver } from './host-names.ts'
import { createHostProbes } from './host-probes.ts'
import { establishSigner, type LoadIssuer } from './issuers.ts'
import { createKeys } from './keys.ts'
import { createBrokerMetrics } from './metrics.ts'
import type { Farm } from './mint-console.ts'
import { createMintGate, MINT_LIMITS, type MintLimits } from './mint-limits.ts'
import { createNodes } from './nodes.ts'
import { renderOpenApi } from './openapi.ts'
import { PASSWORD_COST, type PasswordCost } from './passwords.ts'
import { createPolicies } from './policies.ts'
import type { PortalServices } from './portal-services.ts'
import { createPortalSessions } from './portal-sessions.ts'
import { createPushes } from './pushes.ts'
import { createRevocationKeeper } from './revocation-keeper.ts'
import { createRotation } from './rotation.ts'
import type { Route } from './route.ts'
import { auditRoutes } from './routes/audit.ts'
import { consoleRoutes } from './routes/consoles.ts'
import { eventRoutes } from './routes/events.ts'
import { hostConsoleRoutes } from './routes/host-console.ts'
import { importRoutes } from './routes/import.ts'
import { inventoryRoutes } from './routes/inventory.ts'
import { issuerRoutes } from './routes/issuers.ts'
import { keyRoutes } from './routes/keys.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { policyRoutes } from './routes/policy.ts'
import { publisherRoutes } from './routes/publisher.ts'
import { revocationRoutes } from './routes/revocations.ts'
import { serviceRoutes } from './routes/service.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { userRoutes } from './routes/users.ts'
import { whyRoutes } from './routes/why.ts'
import { createSessions } from './sessions.ts'
import { createTimeline, KEEP_TIMELINE_MS } from './timeline.ts'
import { createTrustKeeper } from './trust-keeper.ts'
import { createUsers } from './users.ts'

const SWEEP_EVERY_MS = 60 * 60_000
/** Half a heartbeat: a lost node is noticed within 40 s. */
const LOOK_FOR_LOST_EVERY_MS = 5_000
/** A new host, and a node that has joined, wait no longer for their first probe. */
const LOOK_FOR_DUE_EVERY_MS = 5_000

export interface Lifetime {
  min: number
  max: number
  default: number
}

export interface BrokerOptions {
  /** Stays the caller's: it is not closed with the broker. */
  store: Store
  /** The issuer that the configuration names; after a rotation another one may sign. */
  issuer: Issuer
  /** How a rotation gets at the next issuer; without it none can be started. */
  loadIssuer?: LoadIssuer
  /** Signs the `.rdp` files; without it they stay unsigned. */
  publisher?: Publisher
  /** `iss` of the tokens. */
  name: string
  farm: Farm
  clock: Clock
  log: Log
  /** How long a token may live, in seconds, where no policy says otherwise. */
  lifetime?: Lifetime
  /** How often a token may be presented; nodes should have the same. */
  redeem?: RedeemRule
  /** How many consoles may be asked for; what is left out as in `MINT_LIMITS`. */
  minting?: Partial<MintLimits>
  /** Default `address`. */
  clientBinding?: ClientBinding
  /** Clock difference to nodes' to forgive; default 5. */
  leewaySeconds?: number
  /** How often each host is probed by the nodes; default 60, 0 for only when somebody asks. */
  probeEverySeconds?: number
  /** Development certificates on localhost: no Strict-Transport-Security. */
  development?: boolean
  /** Shown at `/metrics`, with what the broker adds of its own. */
  metrics?: Metrics
  passwordCost?: PasswordCost
  /** How long the audit goes back; 365 when absent. */
  auditKeepDays?: number
  /** Finds what hosts are called; by default in the DNS. */
  resolver?: HostResolver
}

export interface Broker {
  /** Answers the API; the portal is mounted after it with `app.use`. */
  app: Koa
  services: PortalServices
  /** For what is mounted after it: refusals with a `ref` can be looked up then. */
  log: Log
  /** Certificate of the issuer that signs now: after a rotation no setting may name it. */
  signing(): Certificate
  /** Answers nodes and agents. */
  control: ControlService
  /** Ends what runs by itself; requests are the server's business. */
  close(): Promise<void>
}

/**
 * Puts the broker together, its own issuer into the trust set first.
 *
 * @throws BrokerError `ERR_STORE`; `ERR_CERTIFICATE` or `ERR_USAGE` for the files of a rotated issuer
 */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const { store, issuer, publisher, name, farm, clock } = options
  const timeline = createTimeline(options)
  const events = createEventStream(clock)
  const log = events.tap(timeline.tap(options.log))
  const { loadIssuer = refuseToLoad, redeem: rule = DEFAULT_REDEEM_RULE } = options
  const { clientBinding = 'address', leewaySeconds, metrics = new Metrics() } = options
  const { passwordCost = PASSWORD_COST, resolver = createDnsResolver() } = options
  const pushes = createPushes()
  const base = { store, brokerName: name, pushes, clock, log }
  const trust = createTrustKeeper(base)
  const counts = createBrokerMetrics({ metrics, store, trust, clock })
  const signer = await establishSigner({ ...base, trust, configured: issuer, loadIssuer })
  const revocations = createRevocationKeeper(base)
  await revocations.load()
  const policies = createPolicies({
    ...base,
    builtIn: { ...BUILT_IN_POLICY, ...lifetimes(options.lifetime), clientBinding },
  })
  const sessions = createSessions(base)
  const portalSessions = createPortalSessions(store, clock)
  const leeway = leewaySeconds === undefined ? {} : { leewaySeconds }
  const nodes = createNodes({ ...base, trust, ...leeway })
  const { probeEverySeconds: everySeconds } = options
  const probes = createHostProbes({
    ...base,
    ...(everySeconds === undefined ? {} : { everySeconds }),
  })
  const rotation = createRotation({ ...base, trust, signer, loadIssuer })
  const { auditKeepDays: keepDays } = options
  const kept = keepDays === undefined ? {} : { keepDays }
  const audit = createAudit({ ...base, signer, ...kept })
  const tally = createTally({ audit, clock, log })
  const consoles = createConsoles({
    ...base,
    audit,
    signer,
    publisher,
    revocations,
    farm,
    policies,
    gate: createMintGate({ ...base, revocations, limits: { ...MINT_LIMITS, ...options.minting } }),
    counts,
  })
  const routes: Route[] = [
    ...consoleRoutes({ consoles, gatewayAddress: farm.address, clock }),
    ...inventoryRoutes({ store, policies, probes, resolver, clock }),
    ...importRoutes(base),
    ...hostConsoleRoutes(createHostConsoles({ ...base, sessions })),
    ...userRoutes(createUsers({ ...base, passwordCost }), store),
    ...policyRoutes(policies, store),
    ...sessionRoutes(sessions),
    ...nodeRoutes(nodes),
    ...revocationRoutes({ store, revocations, sessions, clock }),
    ...issuerRoutes({ store, trust, rotation, clock }),
    ...publisherRoutes(publisher),
    ...keyRoutes(createKeys(base)),
    ...whyRoutes(timeline, clock),
    ...eventRoutes(events),
    ...auditRoutes({ store, ...kept }),
    ...serviceRoutes({ store, signer, publisher, trust, metrics, clock, openApi: () => document }),
  ]
  const document = renderOpenApi(routes)
  const repeat = (work: () => Promise<unknown>, everyMs: number): NodeJS.Timeout =>
    setInterval(() => {
      work().catch((error) => log.error('store.sweep-failed', { error: errorText(error) }))
    }, everyMs).unref()
  const repeating = [
    repeat(
      () =>
        Promise.all([
          sweep(options),
          timeline.sweep(),
          audit.sweep(),
          trust.sweep(),
          revocations.load(),
          probes.sweep(),
        ]),
      SWEEP_EVERY_MS,
    ),
    repeat(() => sessions.sweep(), LOOK_FOR_LOST_EVERY_MS),
    repeat(() => audit.checkpoint(), CHECKPOINT_EVERY_MS),
    repeat(() => tally.flush(), TALLY_EVERY_MS),
    repeat(() => probes.round(), LOOK_FOR_DUE_EVERY_MS),
  ]

  return {
    app: createApp({
      routes: routes.map((route) => auditedRoute(route, audit)),
      authenticator: createAuthenticator({ store, sessions: portalSessions, clock }),
      tally,
      clock,
      log,
      strictTransportSecurity: options.development !== true,
    }),
    services: createPortalServices({
      ...options,
      ...{ log, sessions: portalSessions, consoles, policies, probes, tally },
    }),
    log,
    signing: () => signer.current.certificate,
    control: createControlService({
      ...base,
      farmName: farm.name,
      trust,
      revocations,
      nodes,
      probes,
      rule,
      counts,
      policies,
      timeline,
      ...leeway,
    }),
    async close() {
      repeating.forEach(clearInterval)
      events.close()
      await Promise.all([timeline.flush(), tally.flush()])
    },
  }
}

function lifetimes(lifetime: Lifetime | undefined): Partial<PolicyValues> {
  if (lifetime === undefined) return {}
  const { min, default: usual, max } = lifetime
  return { ttlMinSeconds: min, ttlSeconds: usual, ttlMaxSeconds: max }
}

async function refuseToLoad(): Promise<never> {
  throw new BrokerError('ERR_USAGE', 'key directory: this broker has none')
}

/** What nobody can ask for any more. */
async function sweep({ store, clock }: BrokerOptions): Promise<void> {
  const nowMs = clock.now()
  await store.grants.deleteExpiredBefore(nowMs - KEEP_TIMELINE_MS)
  await store.sessions.deleteExpiredBefore(nowMs)
  await store.redeems.deleteForgotten(nowMs)
  await store.revocations.deleteExpiredBefore(nowMs)
}

import type {
  ControlService,
  Heartbeat,
  Peer,
  RedeemAnswer,
  RedeemRequest,
  SessionEvent,
} from '../control/index.ts'
import { type Clock, type Log, type LogFields, type Reason, Refusal } from '../lib/index.ts'
import type { Lease, Store } from '../store/index.ts'
import {
  type AnyVerifiedToken,
  burnsToken,
  DEFAULT_LEEWAY_SECONDS,
  type RedeemRule,
  verifyAnyGatewayToken,
} from '../tokens/index.ts'
import type { HostProbes } from './host-probes.ts'
import type { BrokerCounts } from './metrics.ts'
import type { Nodes } from './nodes.ts'
import type { Policies } from './policies.ts'
import type { Pushes } from './pushes.ts'
import { redeemToken } from './redeem.ts'
import { type RedeemPolicy, redeemPolicy } from './redeem-policy.ts'
import type { RevocationKeeper } from './revocation-keeper.ts'
import type { TrustKeeper } from './trust-keeper.ts'

/** A node that was without a broker for longer has lost the right to be believed about the past. */
const MAX_LATE_MS = 24 * 60 * 60_000

export interface ControlServiceOptions {
  store: Store
  brokerName: string
  /** Audience of the tokens. */
  farmName: string
  trust: TrustKeeper
  revocations: RevocationKeeper
  pushes: Pushes
  nodes: Nodes
  probes: Pick<HostProbes, 'joined' | 'left' | 'found'>
  rule: RedeemRule
  policies: Pick<Policies, 'effective'>
  /** Clock difference to forgive; default 5. */
  leewaySeconds?: number
  counts: BrokerCounts
  clock: Clock
  log: Log
}

/** What nodes say, judged and kept. INVARIANT: who said it comes from the certificate it came with. */
export function createControlService(options: ControlServiceOptions): ControlService {
  const { store, trust, revocations, pushes, nodes, probes, clock, log } = options

  return {
    name: options.brokerName,
    trustSet: () => trust.forVerifiers(),
    revocations: () => revocations.forVerifiers(),
    async versions() {
      const { version } = await trust.current()
      return { trust: version, revocations: revocations.version }
    },
    async drain({ role, name }) {
      return role === 'node' ? nodes.orderFor(name) : undefined
    },
    async joined({ role, name }, about) {
      const { protocol, ...facts } = about
      if (role !== 'node') return
      await nodes.joined(name, facts)
      probes.joined(name, protocol)
    },
    redeem: (peer, request) => redeem(options, peer, request),
    async release(peer, tunnel, reason) {
      await store.leases.end({
        node: peer.name,
        tunnel,
        endedAtMs: clock.now(),
        ...(reason === undefined ? {} : { reason, burns: burnsToken(reason) }),
      })
    },
    heartbeat: (peer, beat) => heartbeat(options, peer, beat),
    async applied(peer, what, version) {
      if (peer.role === 'broker') return
      const applied = what === 'trust' ? { trustVersion: version } : { revocationVersion: version }
      await store.verifiers.seen({
        name: peer.name,
        role: peer.role,
        lastSeenMs: clock.now(),
        ...applied,
      })
      log.info(`${what}.applied`, { node: peer.name, ...applied })
    },
    event: (peer, event) => tell(options, peer, event),
    async probed({ role, name }, result) {
      if (role === 'node') await probes.found(name, result)
    },
    async left(peer) {
      if (peer.role === 'node') {
        probes.left(peer.name)
        await nodes.left(peer.name)
      }
      log.info('node.state', { node: peer.name, state: 'disconnected' })
    },
    subscribe: (listener) => pushes.subscribe(listener),
  }
}

async function redeem(
  options: ControlServiceOptions,
  peer: Peer,
  request: RedeemRequest,
): Promise<RedeemAnswer> {
  const fields: LogFields = {
    node: peer.name,
    tunnel: request.tunnel,
    remoteAddress: request.clientAddress,
  }
  try {
    const { consentText } = await admit(options, peer, request, fields)
    return { ok: true, ...(consentText === undefined ? {} : { consentText }) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { reason, message } = error
    options.counts.redeemed(reason)
    options.log.warn('token.refused', { ...fields, reason, error: message })
    return { ok: false, reason }
  }
}

/**
 * @param fields of the log; what is learned of the token is added
 * @throws Refusal
 */
async function admit(
  options: ControlServiceOptions,
  peer: Peer,
  { token, clientAddress, tunnel, decidedAt }: RedeemRequest,
  fields: LogFields,
): Promise<RedeemPolicy> {
  const { farmName, trust, revocations, nodes, rule, leewaySeconds, clock, log } = options
  // Agents present host tokens, which are theirs alone to redeem.
  if (peer.role !== 'node') throw new Refusal('policy-denied', `role: ${peer.role} redeems nothing`)
  // It has just started, and our order is on its way.
  if (decidedAt === undefined && (await nodes.orderFor(peer.name)) !== undefined) {
    throw new Refusal('node-draining', `node ${peer.name}: is to take no new tunnels`)
  }
  const nowMs = decidedAt === undefined ? clock.now() : pastTime(options, decidedAt)
  const verified = await verifyAnyGatewayToken(token, {
    trust: await trust.list(),
    nowMs,
    audience: farmName,
    clientAddress,
    reopenSeconds: rule.reopenSeconds,
    ...(leewaySeconds === undefined ? {} : { leewaySeconds }),
  })
  Object.assign(fields, tokenFields(verified))
  const revocation = revocations.find(verified)
  if (revocation !== undefined) {
    throw new Refusal('token-revoked', `revocation ${revocation.id}: by ${revocation.kind}`)
  }
  const late = decidedAt !== undefined
  const policy = await redeemPolicy(options, verified)
  const presentation = {
    token: verified,
    node: peer.name,
    tunnel,
    clientAddress,
    nowMs,
    late,
    policy,
  }
  const { kind, losers } = await redeemToken(options, presentation).catch((error: unknown) => {
    if (late && error instanceof Refusal)
      log.warn('redeem.conflict', { ...fields, lost: peer.name })
    throw error
  })
  if (kind === 'conflict-won') endLosers(options, losers, fields)
  options.counts.redeemed(kind)
  log.info('token.redeemed', { ...fields, issuer: verified.issuerThumbprint, presentation: kind })
  if (kind === 'reconnect') log.info('session.reconnected', fields)
  return policy
}

/** @returns the node's time, as far as it can be believed */
function pastTime({ clock, leewaySeconds }: ControlServiceOptions, decidedAt: number): number {
  const nowMs = clock.now()
  const leewayMs = (leewaySeconds ?? DEFAULT_LEEWAY_SECONDS) * 1000
  if (decidedAt <= nowMs + leewayMs && decidedAt >= nowMs - MAX_LATE_MS) {
    return Math.min(decidedAt, nowMs)
  }
  throw new Refusal('token-expired', `decidedAt: ${decidedAt}, it is ${nowMs}`)
}

function endLosers(
  { pushes, log }: ControlServiceOptions,
  losers: Lease[],
  fields: LogFields,
): void {
  for (const { tunnel, node } of losers) {
    log.warn('redeem.conflict', { ...fields, lost: node, lostTunnel: tunnel })
    pushes.push({ type: 'kill', by: { tunnel }, reason: 'token-replayed' })
  }
}

async function heartbeat(
  { store, trust, pushes, nodes, clock }: ControlServiceOptions,
  { name, role }: Peer,
  beat: Heartbeat,
): Promise<void> {
  if (role === 'broker') return
  const { trustVersion, revocationVersion, tunnels, usage = [] } = beat
  const nowMs = clock.now()
  await store.verifiers.seen({ name, role, lastSeenMs: nowMs, trustVersion, revocationVersion })
  if (role === 'node') await nodes.beat(name, beat)
  await store.leases.report(name, usage, nowMs)
  const told = new Set(usage.map(({ tunnel }) => tunnel))
  const named = tunnels.filter((tunnel) => !told.has(tunnel))
  await store.leases.renew(name, named, nowMs)
  // A set that the node could not use, or a message that was lost, is sent again.
  if (trustVersion < (await trust.current()).version) {
    pushes.push({ type: 'trust', ...(await trust.forVerifiers()) })
  }
  // A kill that the node missed, since it was not connected, reaches it now.
  for (const { tunnel, burned } of await store.leases.listBurned(name)) {
    pushes.push({ type: 'kill', by: { tunnel }, reason: burned as Reason })
  }
}

/** A node's event is one line of ours; what its session is, and that it has ended, is remembered. */
async function tell(
  { store, log }: ControlServiceOptions,
  peer: Peer,
  { event, time, fields }: SessionEvent,
): Promise<void> {
  log.info(event, { ...fields, node: peer.name, toldBy: 'node', at: new Date(time).toISOString() })
  const { tunnel, transport, takesMessages, reason, bytesIn, bytesOut } = fields
  if (tunnel === undefined) return
  if (event === 'tunnel.created' && transport !== undefined && takesMessages !== undefined) {
    await store.leases.describe({ node: peer.name, tunnel, transport, takesMessages })
  }
  if (event !== 'session.closed') return
  await store.leases.end({
    node: peer.name,
    tunnel,
    endedAtMs: time,
    ...(reason === undefined ? {} : { reason, burns: burnsToken(reason) }),
    ...(bytesIn === undefined ? {} : { bytesIn }),
    ...(bytesOut === undefined ? {} : { bytesOut }),
  })
}

function tokenFields({ claims }: AnyVerifiedToken): LogFields {
  const { jti, tid: tenant, vm, sub: user, dst: host } = claims
  return { jti, tenant, vm, user, host }
}

import type {
  ControlService,
  Heartbeat,
  Peer,
  RedeemAnswer,
  RedeemGrant,
  RedeemRequest,
  SessionEvent,
} from '../control/index.ts'
import {
  type Clock,
  type Log,
  type LogFields,
  type Reason,
  Refusal,
  STRANGERS_REQUESTS,
  strangerLevel,
} from '../lib/index.ts'
import type { Lease } from '../store/index.ts'
import { burnsToken, DEFAULT_LEEWAY_SECONDS, formatTime } from '../tokens/index.ts'
import type { HostProbes } from './host-probes.ts'
import { type JudgeOptions, judgeToken } from './judge-token.ts'
import { leaseHolder, toHolder } from './lease-holder.ts'
import type { BrokerCounts } from './metrics.ts'
import type { Pushes } from './pushes.ts'
import { redeemToken } from './redeem.ts'
import type { Timeline } from './timeline.ts'

/** A node that was without a broker for longer has lost the right to be believed about the past. */
const MAX_LATE_MS = 24 * 60 * 60_000

export interface ControlServiceOptions extends JudgeOptions {
  brokerName: string
  pushes: Pushes
  probes: Pick<HostProbes, 'joined' | 'left' | 'found'>
  counts: BrokerCounts
  timeline: Pick<Timeline, 'knows'>
  log: Log
}

/** @param unknownLevel for a line about a token that is nobody's: a peer can make up any number of them */
type ServiceParts = ControlServiceOptions & { unknownLevel: ReturnType<typeof levelOfEach> }

/** What nodes and agents say, judged and kept. INVARIANT: who said it comes from the certificate it came with. */
export function createControlService(options: ControlServiceOptions): ControlService {
  const { store, trust, revocations, pushes, nodes, probes, clock, log } = options
  const parts = { ...options, unknownLevel: levelOfEach(clock) }

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
    redeem: (peer, request) => redeem(parts, peer, request),
    async release(peer, tunnel, reason) {
      await store.leases.end({
        node: leaseHolder(peer),
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
    event: (peer, event) => tell(parts, peer, event),
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

/** Each for itself, so that one silences no other; there are as many as the control CA has signed. */
function levelOfEach(clock: Clock): (peer: Peer) => 'warn' | 'debug' {
  const levels = new Map<string, ReturnType<typeof strangerLevel>>()
  return (peer) => {
    const key = leaseHolder(peer)
    const level = levels.get(key) ?? strangerLevel(clock, STRANGERS_REQUESTS)
    levels.set(key, level)
    return level()
  }
}

async function redeem(
  options: ServiceParts,
  peer: Peer,
  request: RedeemRequest,
): Promise<RedeemAnswer> {
  const fields: LogFields = {
    [peer.role]: peer.name,
    tunnel: request.tunnel,
    remoteAddress: request.clientAddress,
  }
  try {
    return { ok: true, ...(await admit(options, peer, request, fields)) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { reason, message } = error
    const { counts, log, unknownLevel } = options
    counts.redeemed(reason)
    const level = fields.jti === undefined ? unknownLevel(peer) : 'warn'
    log[level]('token.refused', { ...fields, reason, error: message })
    return { ok: false, reason }
  }
}

/**
 * @param fields of the log; what is learned of the token is added
 * @returns what the verifier is told beside yes
 * @throws Refusal
 */
async function admit(
  options: ControlServiceOptions,
  peer: Peer,
  request: RedeemRequest,
  fields: LogFields,
): Promise<RedeemGrant> {
  const { clock, log } = options
  const { clientAddress, tunnel, decidedAt } = request
  const nowMs = decidedAt === undefined ? clock.now() : pastTime(options, decidedAt)
  const { answer, ...judged } = await judgeToken(options, peer, { request, nowMs, fields })
  const late = decidedAt !== undefined
  const presentation = { ...judged, node: leaseHolder(peer), tunnel, clientAddress, nowMs, late }
  const { kind, losers, sessionAgeSeconds } = await redeemToken(options, presentation).catch(
    (error: unknown) => {
      if (late && error instanceof Refusal)
        log.warn('redeem.conflict', { ...fields, lost: peer.name })
      throw error
    },
  )
  if (kind === 'conflict-won') endLosers(options, losers, fields)
  options.counts.redeemed(kind)
  const { issuerThumbprint: issuer } = judged.token
  log.info('token.redeemed', { ...fields, issuer, presentation: kind })
  if (kind === 'reconnect') log.info('session.reconnected', fields)
  const isOld = judged.token.claims.max !== undefined && sessionAgeSeconds > 0
  return { ...answer, ...(isOld ? { sessionAgeSeconds } : {}) }
}

/** @returns the node's time, as far as it can be believed */
function pastTime({ clock, leewaySeconds }: ControlServiceOptions, decidedAt: number): number {
  const nowMs = clock.now()
  const leewayMs = (leewaySeconds ?? DEFAULT_LEEWAY_SECONDS) * 1000
  if (decidedAt <= nowMs + leewayMs && decidedAt >= nowMs - MAX_LATE_MS) {
    return Math.min(decidedAt, nowMs)
  }
  const [decided, now] = [decidedAt, nowMs].map((ms) => formatTime(ms / 1000))
  throw new Refusal('token-expired', `decidedAt: ${decided}, it is ${now}`)
}

function endLosers(
  { pushes, log }: ControlServiceOptions,
  losers: Lease[],
  fields: LogFields,
): void {
  for (const { tunnel, node } of losers) {
    log.warn('redeem.conflict', { ...fields, lost: node, lostTunnel: tunnel })
    pushes.push(toHolder({ node }, { type: 'kill', by: { tunnel }, reason: 'token-replayed' }))
  }
}

async function heartbeat(
  { store, trust, pushes, nodes, clock }: ControlServiceOptions,
  peer: Peer,
  beat: Heartbeat,
): Promise<void> {
  const { name, role } = peer
  if (role === 'broker') return
  const { trustVersion, revocationVersion, tunnels, usage = [] } = beat
  const nowMs = clock.now()
  await store.verifiers.seen({ name, role, lastSeenMs: nowMs, trustVersion, revocationVersion })
  if (role === 'node') await nodes.beat(name, beat)
  await store.leases.report(leaseHolder(peer), usage, nowMs)
  const told = new Set(usage.map(({ tunnel }) => tunnel))
  const named = tunnels.filter((tunnel) => !told.has(tunnel))
  await store.leases.renew(leaseHolder(peer), named, nowMs)
  // A set that the node could not use, or a message that was lost, is sent again.
  if (trustVersion < (await trust.current()).version) {
    const message = { type: 'trust' as const, ...(await trust.forVerifiers()) }
    pushes.push({ type: 'addressed', to: peer, message })
  }
  // A kill that the node missed, since it was not connected, reaches it now.
  for (const { tunnel, burned } of await store.leases.listBurned(leaseHolder(peer))) {
    const message = { type: 'kill' as const, by: { tunnel }, reason: burned as Reason }
    pushes.push({ type: 'addressed', to: peer, message })
  }
}

/** A node's or an agent's event is one line of ours; what its session is, and that it has ended, is remembered. */
async function tell(parts: ServiceParts, peer: Peer, event: SessionEvent): Promise<void> {
  await Promise.all([logTold(parts, peer, event), keepTold(parts, peer, event)])
}

async function logTold(
  { timeline, log, unknownLevel }: ServiceParts,
  peer: Peer,
  { event, time, fields }: SessionEvent,
): Promise<void> {
  const { jti } = fields
  const isKnown = jti !== undefined && (await timeline.knows(jti))
  const level = isKnown || unknownLevel(peer) === 'warn' ? 'info' : 'debug'
  const at = new Date(time).toISOString()
  log[level](event, { ...fields, [peer.role]: peer.name, toldBy: peer.role, at })
}

async function keepTold(
  { store, clock }: ServiceParts,
  peer: Peer,
  { event, time, fields }: SessionEvent,
): Promise<void> {
  const { tunnel, transport, takesMessages, reason, bytesIn, bytesOut } = fields
  if (tunnel === undefined) return
  if (event === 'tunnel.created' && transport !== undefined && takesMessages !== undefined) {
    await store.leases.describe({ node: leaseHolder(peer), tunnel, transport, takesMessages })
  }
  if (event !== 'session.closed') return
  await store.leases.end({
    node: leaseHolder(peer),
    tunnel,
    // A reconnect window counts from here: no peer opens one in the time to come.
    endedAtMs: Math.min(time, clock.now()),
    ...(reason === undefined ? {} : { reason, burns: burnsToken(reason) }),
    ...(bytesIn === undefined ? {} : { bytesIn }),
    ...(bytesOut === undefined ? {} : { bytesOut }),
  })
}

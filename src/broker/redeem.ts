import { randomUUID } from 'node:crypto'
import { Refusal } from '../lib/index.ts'
import type { Lease, Redeem, RedeemOutcome, Store } from '../store/index.ts'
import {
  clientKey,
  decideRedeem,
  forgetRedeemAtMs,
  isInside,
  type RedeemDecision,
  type RedeemRule,
  type RedeemState,
} from '../tokens/index.ts'
import type { JudgedToken } from './judge-token.ts'
import type { RedeemPolicy } from './redeem-policy.ts'

export interface RedeemOptions {
  store: Store
  rule: RedeemRule
}

export interface Presentation {
  token: JudgedToken['token']
  /** What the ledger knows it by. */
  key: string
  /** The verifier that asks. */
  node: string
  tunnel: string
  clientAddress: string
  nowMs: number
  /** The node has let the client in already, at `nowMs`, since no broker answered. */
  late?: boolean
  policy: Omit<RedeemPolicy, 'consentText'>
}

/** How a presentation may go well. */
export const REDEEMED = ['first', 'again', 'retry', 'reconnect', 'conflict-won'] as const
export type Redeemed = (typeof REDEEMED)[number]

export interface RedeemResult {
  kind: Redeemed
  /** Sessions that have to end, since this one is the older. */
  losers: Lease[]
  /** How long ago the session began. */
  sessionAgeSeconds: number
}

/**
 * Redeems a verified token in the store, by the rule that nodes follow too.
 *
 * @throws Refusal with the rule's reason
 */
export async function redeemToken(
  { store, rule }: RedeemOptions,
  presentation: Presentation,
): Promise<RedeemResult> {
  const { token, key, clientAddress, node, tunnel, nowMs, policy } = presentation
  const attempt = {
    tunnel: tunnelName({ node, tunnel }),
    nowMs,
    expiredBySeconds: token.expiredBySeconds,
    reconnectSeconds: token.claims.rcw ?? 0,
    sessionSeconds: token.claims.max ?? 0,
  }
  const lease: Lease = {
    id: randomUUID(),
    key,
    node,
    tunnel,
    clientAddress,
    openedAtMs: nowMs,
    seenAtMs: nowMs,
  }
  const result = await store.redeems.redeem(
    key,
    (known, others): RedeemOutcome<RedeemDecision | Lease[]> => {
      const client = clientOf(presentation, known?.redeem)
      const decision = decideRedeem(known && toState(known), { ...attempt, client }, rule)
      if (known !== undefined && isYounger(known.redeem, client, presentation)) {
        const losers = known.leases.filter(isOpen)
        return { result: losers, lease, rebind: { client, firstRedeemMs: nowMs } }
      }
      if (!decision.ok || decision.kind === 'retry') return { result: decision }
      const refusal =
        refuseClosed(presentation, known !== undefined) ??
        refuseSession(presentation, known?.leases ?? [], others)
      if (refusal !== undefined) return { result: refusal }
      if (decision.kind !== 'first') return { result: decision, lease }
      return { result: decision, lease, redeem: toRedeem(key, token, decision.state, rule) }
    },
    policy.maxSessions === 0 ? undefined : token.claims.vm,
  )
  if (Array.isArray(result)) return { kind: 'conflict-won', losers: result, sessionAgeSeconds: 0 }
  if (!result.ok) throw new Refusal(result.reason, result.detail)
  const { kind, state } = result
  return { kind, losers: [], sessionAgeSeconds: (nowMs - state.firstRedeemMs) / 1000 }
}

/**
 * The client as the token knows it. The binding of its first redeem stays for the token's life: under another
 * policy since then, the same client is still the same.
 *
 * @throws Refusal `client-mismatch` for what is no address
 */
function clientOf({ clientAddress, policy }: Presentation, known: Redeem | undefined): string {
  if (known?.client === '' || (known !== undefined && isInside(clientAddress, known.client))) {
    return known.client
  }
  const client = clientKey(clientAddress, policy.clientBinding)
  if (client !== undefined) return client
  throw new Refusal('client-mismatch', 'client: address not readable')
}

/** What has been switched off since stops new sessions, also with files that are out; who was let in may go on. */
function refuseClosed(
  { late = false, policy: { closed } }: Presentation,
  known: boolean,
): RedeemDecision | undefined {
  return late || known || closed === undefined ? undefined : { ok: false, ...closed }
}

/** A session more than policy allows for the machine; a tunnel more of an open session is none. */
function refuseSession(
  { late = false, policy: { maxSessions } }: Presentation,
  leases: Lease[],
  others: number,
): RedeemDecision | undefined {
  if (late || maxSessions === 0 || others < maxSessions || leases.some(isOpen)) return undefined
  const detail = `sessions: this machine has ${others} open, may have ${maxSessions}`
  return { ok: false, reason: 'limit-reached', detail }
}

/** Of two clients that were both let in while nobody could compare, the one that came first stays. */
function isYounger(known: Redeem, client: string, { late, nowMs }: Presentation): boolean {
  return (
    late === true &&
    known.burned === undefined &&
    known.client !== client &&
    known.firstRedeemMs > nowMs
  )
}

/** The rule's view of what the store keeps. */
function toState({ redeem, leases }: { redeem: Redeem; leases: Lease[] }): RedeemState {
  const { client, firstRedeemMs, burned, superseded } = redeem
  const tunnels = leases.filter(isOpen).map(tunnelName)
  const ends = leases.map(({ endedAtMs }) => endedAtMs ?? 0)
  return {
    client,
    firstRedeemMs,
    opens: leases.length,
    tunnels,
    ...(tunnels.length === 0 ? { droppedAtMs: Math.max(...ends) } : {}),
    // The store keeps reasons as text; this one was written from a Reason.
    ...(burned === undefined ? {} : { burned: burned as NonNullable<RedeemState['burned']> }),
    superseded,
  }
}

function toRedeem(
  key: string,
  { claims, issuerThumbprint }: JudgedToken['token'],
  state: RedeemState,
  rule: RedeemRule,
): Redeem {
  const { jti, tid, sub, vm, knd, dst, iat, exp, rcw = 0 } = claims
  const { client, firstRedeemMs } = state
  const ended = { ...state, tunnels: [], droppedAtMs: firstRedeemMs }
  return {
    key,
    jti,
    issuerThumbprint,
    ...(tid === undefined ? {} : { tenant: tid }),
    ...(sub === undefined ? {} : { user: sub }),
    ...(vm === undefined ? {} : { vm }),
    ...(knd === undefined ? {} : { hostKind: knd }),
    ...(dst === undefined ? {} : { host: dst }),
    issuedAtMs: iat * 1000,
    expiresAtMs: exp * 1000,
    reconnectMs: rcw * 1000,
    client,
    firstRedeemMs,
    superseded: false,
    forgetAtMs: forgetRedeemAtMs(ended, { exp, reconnectSeconds: rcw }, rule),
  }
}

function isOpen({ endedAtMs }: Lease): boolean {
  return endedAtMs === undefined
}

/** Tunnels are named on their node. */
function tunnelName({ node, tunnel }: Pick<Lease, 'node' | 'tunnel'>): string {
  return `${node}/${tunnel}`
}

import type { Reason } from '../lib/index.ts'
import { formatSeconds } from './times.ts'
import { MAX_LEEWAY_SECONDS } from './verify-steps.ts'

/** How often and how long one client may present one token (DESIGN 4.3). */
export interface RedeemRule {
  /** A token may be presented again so long after its first redeem, even past `exp`. */
  reopenSeconds: number
  /** Tunnels of one token open at a time: a client opens the next before it drops the last. */
  maxOpenTunnels: number
  /** Tunnels of one token ever. */
  maxOpens: number
}

export const DEFAULT_REDEEM_RULE: RedeemRule = {
  reopenSeconds: 120,
  maxOpenTunnels: 2,
  maxOpens: 10,
}

/** What is known of a token that was redeemed at least once. */
export interface RedeemState {
  /** Same text, same client. */
  client: string
  firstRedeemMs: number
  opens: number
  /** Names of the open tunnels, unique over all nodes. */
  tunnels: readonly string[]
  /** When the last of its tunnels ended; absent while one is open. */
  droppedAtMs?: number
  /** Why it admits nobody any more. */
  burned?: Reason
  /** A newer console of the same VM was opened: its reconnect window is over. */
  superseded?: boolean
}

/** One presentation of a token that is right in all but, perhaps, its time. */
export interface RedeemAttempt {
  client: string
  tunnel: string
  nowMs: number
  /** 0, or how long past `exp`. */
  expiredBySeconds: number
  /** Claim `rcw`, 0 when absent. */
  reconnectSeconds: number
  /** Claim `max`, 0 when absent. */
  sessionSeconds: number
}

export type RedeemDecision =
  | {
      ok: true
      /** What is known from now on; nothing of it may be used before it is stored. */
      state: RedeemState
      /** `retry`: the tunnel is open already; `reconnect`: its session had dropped and is back. */
      kind: 'first' | 'again' | 'retry' | 'reconnect'
    }
  | { ok: false; reason: Reason; detail: string }

/** Ends of a session after which its token is worthless. */
const BURNING: readonly Reason[] = ['killed', 'idle-limit', 'session-limit', 'token-revoked']

/** Whether a session that ended for this reason takes its token with it. */
export function burnsToken(reason: Reason): boolean {
  return BURNING.includes(reason)
}

/**
 * Decides one presentation; pure, so that a node's memory and the broker's store follow one rule.
 *
 * @param state undefined when the token was not redeemed before
 */
export function decideRedeem(
  state: RedeemState | undefined,
  attempt: RedeemAttempt,
  rule: RedeemRule,
): RedeemDecision {
  if (state === undefined) return decideFirst(attempt)
  if (state.burned !== undefined) {
    return refused(state.burned, `token: worthless since its session ended with ${state.burned}`)
  }
  if (attempt.client !== state.client) {
    const detail = `client: redeemed by ${state.client}, now ${attempt.client}`
    return refused('client-mismatch', detail)
  }
  if (state.tunnels.includes(attempt.tunnel)) return { ok: true, state, kind: 'retry' }
  return checkLimit(state, attempt) ?? checkTime(state, attempt, rule) ?? open(state, attempt, rule)
}

/** What is known after one tunnel has ended; `reason` is why, when it is known. */
export function endTunnel(
  state: RedeemState,
  tunnel: string,
  nowMs: number,
  reason?: Reason,
): RedeemState {
  if (!state.tunnels.includes(tunnel)) return state
  const tunnels = state.tunnels.filter((other) => other !== tunnel)
  return {
    ...state,
    tunnels,
    ...(tunnels.length === 0 ? { droppedAtMs: nowMs } : {}),
    ...(reason !== undefined && burnsToken(reason) ? { burned: state.burned ?? reason } : {}),
  }
}

/**
 * From this time on the state may be forgotten: without it every presentation is refused as expired.
 *
 * @param token its `exp` and `rcw` in seconds
 * @returns infinity while a session with a reconnect window is open
 */
export function forgetRedeemAtMs(
  state: RedeemState,
  token: { exp: number; reconnectSeconds: number },
  { reopenSeconds }: RedeemRule,
): number {
  const presentableUntilMs = Math.max(
    (token.exp + MAX_LEEWAY_SECONDS) * 1000,
    state.firstRedeemMs + reopenSeconds * 1000,
  )
  if (token.reconnectSeconds === 0) return presentableUntilMs
  if (state.droppedAtMs === undefined) return Number.POSITIVE_INFINITY
  return Math.max(presentableUntilMs, state.droppedAtMs + token.reconnectSeconds * 1000)
}

function decideFirst({ client, tunnel, nowMs, expiredBySeconds }: RedeemAttempt): RedeemDecision {
  if (expiredBySeconds > 0) {
    return refused(
      'token-expired',
      `exp: passed ${formatSeconds(expiredBySeconds)} ago, and the token was not redeemed before`,
    )
  }
  const state = { client, firstRedeemMs: nowMs, opens: 1, tunnels: [tunnel] }
  return { ok: true, state, kind: 'first' }
}

/** A session that is over does not begin anew since its client has left in time. */
function checkLimit(
  { firstRedeemMs }: RedeemState,
  { nowMs, sessionSeconds }: RedeemAttempt,
): RedeemDecision | undefined {
  const sinceSeconds = (nowMs - firstRedeemMs) / 1000
  if (sessionSeconds === 0 || sinceSeconds < sessionSeconds) return undefined
  const detail = `max: first redeemed ${formatSeconds(sinceSeconds)} ago, may be open for ${sessionSeconds} s`
  return refused('session-limit', detail)
}

/** @returns the refusal, or undefined when the time is right */
function checkTime(
  state: RedeemState,
  { nowMs, expiredBySeconds, reconnectSeconds }: RedeemAttempt,
  { reopenSeconds }: RedeemRule,
): RedeemDecision | undefined {
  const sinceSeconds = (nowMs - state.firstRedeemMs) / 1000
  if (expiredBySeconds === 0 || sinceSeconds <= reopenSeconds) return undefined
  const expired = `exp: passed ${formatSeconds(expiredBySeconds)} ago, first redeemed ${formatSeconds(sinceSeconds)} ago, reopens for ${reopenSeconds} s`
  if (reconnectSeconds === 0) return refused('token-expired', expired)
  if (state.superseded === true) {
    return refused('superseded', 'rcw: a newer console of the same VM has ended the window')
  }
  const droppedForSeconds = (nowMs - (state.droppedAtMs ?? nowMs)) / 1000
  if (droppedForSeconds <= reconnectSeconds) return undefined
  return refused(
    'token-expired',
    `${expired}, session dropped ${formatSeconds(droppedForSeconds)} ago, reconnects for ${reconnectSeconds} s`,
  )
}

function open(
  state: RedeemState,
  { tunnel, reconnectSeconds }: RedeemAttempt,
  { maxOpens, maxOpenTunnels }: RedeemRule,
): RedeemDecision {
  if (state.opens >= maxOpens) {
    return refused('token-replayed', `opens: have ${state.opens}, may have ${maxOpens}`)
  }
  if (state.tunnels.length >= maxOpenTunnels) {
    const detail = `open tunnels: have ${state.tunnels.length}, may have ${maxOpenTunnels}`
    return refused('token-replayed', detail)
  }
  const { droppedAtMs, ...rest } = state
  const isBack = droppedAtMs !== undefined && reconnectSeconds > 0
  return {
    ok: true,
    state: { ...rest, opens: state.opens + 1, tunnels: [...state.tunnels, tunnel] },
    kind: isBack ? 'reconnect' : 'again',
  }
}

function refused(reason: Reason, detail: string): RedeemDecision {
  return { ok: false, reason, detail }
}

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  burnsToken,
  DEFAULT_REDEEM_RULE,
  decideRedeem,
  endTunnel,
  forgetRedeemAtMs,
  type RedeemState,
} from '../../src/tokens/index.ts'

const EXP = 60
const rule = DEFAULT_REDEEM_RULE

interface Present {
  client?: string
  tunnel?: string
  atSeconds?: number
  reconnectSeconds?: number
  sessionSeconds?: number
}

const present = (
  state: RedeemState | undefined,
  {
    client = 'a',
    tunnel = 't1',
    atSeconds = 0,
    reconnectSeconds = 0,
    sessionSeconds = 0,
  }: Present = {},
) =>
  decideRedeem(
    state,
    {
      client,
      tunnel,
      nowMs: atSeconds * 1000,
      expiredBySeconds: Math.max(0, atSeconds - EXP),
      reconnectSeconds,
      sessionSeconds,
    },
    rule,
  )

function admitted(decision: ReturnType<typeof present>): RedeemState {
  if (!decision.ok) throw new Error(decision.detail)
  return decision.state
}

const reasonOf = (decision: ReturnType<typeof present>) =>
  decision.ok ? decision.kind : decision.reason

describe('the reconnect window', () => {
  const rcw = { reconnectSeconds: 100 }
  const opened = () => admitted(present(undefined, rcw))
  const dropped = () => endTunnel(opened(), 't1', 1000_000)

  test('lets the same client back past exp, within it after its session dropped', () => {
    const back = { ...rcw, tunnel: 't2' }
    expect(reasonOf(present(dropped(), { ...back, atSeconds: 1100 }))).toBe('reconnect')
    expect(reasonOf(present(dropped(), { ...back, atSeconds: 1101 }))).toBe('token-expired')
    expect(reasonOf(present(dropped(), { ...back, atSeconds: 1001, client: 'b' }))).toBe(
      'client-mismatch',
    )
  })

  test('has not begun while the node still holds the old tunnel', () => {
    expect(reasonOf(present(opened(), { ...rcw, tunnel: 't2', atSeconds: 9000 }))).toBe('again')
  })

  test('ends with the session limit, however often the client has left before it', () => {
    const back = { ...rcw, sessionSeconds: 1050, tunnel: 't2' }
    expect(reasonOf(present(dropped(), { ...back, atSeconds: 1049 }))).toBe('reconnect')
    expect(reasonOf(present(dropped(), { ...back, atSeconds: 1050 }))).toBe('session-limit')
    expect(reasonOf(present(opened(), { ...back, atSeconds: 1050 }))).toBe('session-limit')
  })

  test('is nothing to a token that was never redeemed', () => {
    expect(reasonOf(present(undefined, { ...rcw, atSeconds: 61 }))).toBe('token-expired')
  })

  test('is nothing to a token without it', () => {
    expect(reasonOf(present(dropped(), { tunnel: 't2', atSeconds: 1001 }))).toBe('token-expired')
  })

  test('ends with a newer console of the same VM', () => {
    const state = { ...dropped(), superseded: true }
    const back = present(state, { ...rcw, tunnel: 't2', atSeconds: 1001 })
    expect(reasonOf(back)).toBe('superseded')
  })
})

describe('the end of a session', () => {
  const opened = () => admitted(present(undefined))

  test.each(['killed', 'idle-limit', 'session-limit', 'token-revoked'] as const)(
    'by %s makes the token worthless',
    (reason) => {
      const state = endTunnel(opened(), 't1', 1000, reason)
      expect(reasonOf(present(state, { tunnel: 't2', atSeconds: 2 }))).toBe(reason)
      expect(reasonOf(present(state, { tunnel: 't1', atSeconds: 2 }))).toBe(reason)
    },
  )

  test.each(['client-closed', 'host-closed', 'node-lost', 'drained', undefined] as const)(
    'by %s leaves it to the client',
    (reason) => {
      const state = endTunnel(opened(), 't1', 1000, reason)
      expect(reasonOf(present(state, { tunnel: 't2', atSeconds: 2 }))).toBe('again')
    },
  )

  test('of a tunnel that is not open changes nothing', () => {
    expect(endTunnel(opened(), 'other', 1000, 'killed')).toEqual(opened())
  })
})

const events = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('present' as const),
      client: fc.constantFrom('a', 'b', 'c'),
      tunnel: fc.nat(20),
      waitSeconds: fc.nat(90),
    }),
    fc.record({
      kind: fc.constant('end' as const),
      tunnel: fc.nat(20),
      waitSeconds: fc.nat(90),
      reason: fc.constantFrom('client-closed' as const, 'killed' as const, undefined),
    }),
  ),
  { maxLength: 60 },
)

test('whatever happens, one client only, never too many tunnels, none after a kill', () => {
  fc.assert(
    fc.property(events, fc.constantFrom(0, 30, 300), (story, reconnectSeconds) => {
      let state: RedeemState | undefined
      let atSeconds = 0
      let opens = 0
      let worthless = false
      const clients = new Set<string>()
      for (const event of story) {
        atSeconds += event.waitSeconds
        const tunnel = `t${event.tunnel}`
        if (event.kind === 'end') {
          const wasOpen = state?.tunnels.includes(tunnel) === true
          state &&= endTunnel(state, tunnel, atSeconds * 1000, event.reason)
          worthless ||= wasOpen && event.reason !== undefined && burnsToken(event.reason)
          continue
        }
        const { client } = event
        const decision = present(state, { client, tunnel, atSeconds, reconnectSeconds })
        if (!decision.ok) continue
        expect(worthless).toBe(false)
        if (decision.kind !== 'retry') opens += 1
        clients.add(client)
        state = decision.state
        expect(state.tunnels.length).toBeLessThanOrEqual(rule.maxOpenTunnels)
        expect(state.opens).toBe(opens)
      }
      expect(opens).toBeLessThanOrEqual(rule.maxOpens)
      expect(clients.size).toBeLessThanOrEqual(1)
    }),
  )
})

test('what is forgotten in time would have been refused', () => {
  fc.assert(
    fc.property(events, fc.constantFrom(0, 30, 300), fc.nat(5000), (story, rcw, later) => {
      let state: RedeemState | undefined
      let atSeconds = 0
      for (const event of story) {
        atSeconds += event.waitSeconds
        const tunnel = `t${event.tunnel}`
        if (event.kind === 'end') {
          state &&= endTunnel(state, tunnel, atSeconds * 1000, event.reason)
        } else {
          const decision = present(state, { tunnel, atSeconds, reconnectSeconds: rcw })
          if (decision.ok) state = decision.state
        }
      }
      if (state === undefined) return
      const forgetAtMs = forgetRedeemAtMs(state, { exp: EXP, reconnectSeconds: rcw }, rule)
      if (forgetAtMs === Number.POSITIVE_INFINITY) return
      const when = Math.max(atSeconds, forgetAtMs / 1000) + 1 + later
      const late = { tunnel: 'late', atSeconds: when, reconnectSeconds: rcw }
      expect(reasonOf(present(state, late))).not.toMatch(/first|again|reconnect/)
      expect(reasonOf(present(undefined, late))).toBe('token-expired')
    }),
  )
})

import { expect, test } from 'vitest'
import { Refusal } from '../../src/lib/index.ts'
import {
  createMemoryLedger,
  type Lease,
  type MemoryLedgerOptions,
  type VerifiedToken,
} from '../../src/tokens/index.ts'
import { CLAIMS, NOW } from './minting.ts'

interface Present {
  jti?: string
  issuerThumbprint?: string
  clientAddress?: string
  tunnel?: string
}

/** A ledger, its clock, and a client that presents tokens as a gateway without leeway would. */
function setUp(options: Partial<MemoryLedgerOptions> = {}) {
  let seconds = NOW
  let tunnels = 0
  const ledger = createMemoryLedger({
    clock: { now: () => seconds * 1000 },
    clientBinding: 'address',
    ...options,
  })
  const present = (changes: Present = {}): Promise<Lease> => {
    const token: VerifiedToken = {
      claims: { ...CLAIMS, jti: changes.jti ?? CLAIMS.jti },
      issuerThumbprint: changes.issuerThumbprint ?? 'A'.repeat(64),
      expiredBySeconds: Math.max(0, seconds - CLAIMS.exp),
    }
    tunnels += 1
    const { clientAddress = '192.0.2.7', tunnel = `tunnel-${tunnels}` } = changes
    return ledger.redeem({ token, clientAddress, tunnel })
  }
  const refused = (changes: Present = {}): Promise<string> =>
    present(changes).then(
      () => 'admitted',
      (error: unknown) => (error instanceof Refusal ? error.reason : Promise.reject(error)),
    )
  const wait = (more: number): void => {
    seconds += more
  }
  return { ledger, present, refused, wait }
}

test('admits a token once and the same client again', async () => {
  const { present, ledger } = setUp()
  await present()
  await present()
  expect(ledger.reopenSeconds).toBe(120)
})

test('tells how long ago the session began, which its first redeem did', async () => {
  const { present, wait } = setUp()
  const first = await present()
  wait(45)
  first.release()
  expect(first.sessionAgeSeconds).toBe(0)
  expect((await present()).sessionAgeSeconds).toBe(45)
  expect((await present({ jti: 'another' })).sessionAgeSeconds).toBe(0)
})

test('refuses another address from the first redeem on', async () => {
  const { present, refused } = setUp()
  ;(await present()).release()
  expect(await refused({ clientAddress: '192.0.2.8' })).toBe('client-mismatch')
  expect(await refused({ clientAddress: '::ffff:192.0.2.7' })).toBe('admitted')
})

test('follows the policy of client binding', async () => {
  const neighbour = { clientAddress: '192.0.2.8' }
  const stranger = { clientAddress: '198.51.100.1' }
  const prefix = setUp({ clientBinding: 'prefix', maxOpenTunnels: 9 })
  await prefix.present()
  expect(await prefix.refused(neighbour)).toBe('admitted')
  expect(await prefix.refused(stranger)).toBe('client-mismatch')
  const none = setUp({ clientBinding: 'none', maxOpenTunnels: 9 })
  await none.present()
  expect(await none.refused(stranger)).toBe('admitted')
})

test('an IPv6 client is its /64', async () => {
  const { present, refused } = setUp()
  await present({ clientAddress: '2001:db8:1:2::1' })
  expect(await refused({ clientAddress: '2001:db8:1:2:ffff::9' })).toBe('admitted')
  expect(await refused({ clientAddress: '2001:db8:1:3::1' })).toBe('client-mismatch')
})

test('refuses an address that cannot be read', async () => {
  expect(await setUp().refused({ clientAddress: '' })).toBe('client-mismatch')
})

test('at most two tunnels at a time; a released one makes room, once', async () => {
  const { present, refused } = setUp()
  const first = await present()
  await present()
  expect(await refused()).toBe('token-replayed')
  first.release()
  first.release()
  expect(await refused()).toBe('admitted')
  expect(await refused()).toBe('token-replayed')
})

test('at most ten tunnels ever', async () => {
  const { present, refused } = setUp()
  for (let opens = 0; opens < 10; opens += 1) (await present()).release()
  expect(await refused()).toBe('token-replayed')
})

test('a retry for the same tunnel is the same redeem', async () => {
  const { present, refused } = setUp()
  for (let tries = 0; tries < 20; tries += 1) await present({ tunnel: 'same' })
  expect(await refused({ tunnel: 'second' })).toBe('admitted')
  expect(await refused({ tunnel: 'third' })).toBe('token-replayed')
})

test('an expired token comes back within 120 s of its first redeem', async () => {
  const { present, refused, wait } = setUp()
  wait(59)
  ;(await present()).release()
  wait(120)
  expect(await refused()).toBe('admitted')
  wait(1)
  expect(await refused()).toBe('token-expired')
})

test('a token that is still valid comes back even later than that', async () => {
  const { present, refused, wait } = setUp({ reopenSeconds: 10 })
  ;(await present()).release()
  wait(59)
  expect(await refused()).toBe('admitted')
  wait(2)
  expect(await refused()).toBe('token-expired')
})

test('an expired token that was never redeemed stays out', async () => {
  const { refused, wait } = setUp()
  wait(61)
  expect(await refused()).toBe('token-expired')
})

test('the same jti of another issuer is another token', async () => {
  const { present, refused } = setUp()
  await present()
  const other = { issuerThumbprint: 'B'.repeat(64), clientAddress: '192.0.2.8' }
  expect(await refused(other)).toBe('admitted')
})

test('of two at the same moment with one place left, one is refused', async () => {
  const { refused } = setUp({ maxOpenTunnels: 1 })
  expect((await Promise.all([refused(), refused()])).sort()).toEqual(['admitted', 'token-replayed'])
})

test('remembers a bounded number of tokens and forgets the old ones', async () => {
  const { present, refused, wait } = setUp({ maxTokens: 2 })
  await present({ jti: 'a' })
  await present({ jti: 'b' })
  expect(await refused({ jti: 'c' })).toBe('limit-reached')
  expect(await refused({ jti: 'a' })).toBe('admitted')
  wait(50)
  expect(await refused({ jti: 'c' })).toBe('limit-reached')
  wait(71)
  expect(await refused({ jti: 'c' })).toBe('token-expired')
})

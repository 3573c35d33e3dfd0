import fc from 'fast-check'
import { expect, test } from 'vitest'
import type {
  Lease,
  Redeem,
  Store,
  StoredRevocation,
  TrustedCertificate,
} from '../../src/store/index.ts'

const NOW_MS = Date.UTC(2030, 0, 1)

const redeem: Redeem = {
  key: `${'A'.repeat(64)} j1`,
  jti: 'j1',
  issuerThumbprint: 'A'.repeat(64),
  tenant: 'acme',
  user: 'ann',
  vm: 'vm1',
  hostKind: 'rdp',
  host: '192.0.2.10:3389',
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 60_000,
  reconnectMs: 0,
  client: '192.0.2.7/32',
  firstRedeemMs: NOW_MS,
  superseded: false,
  forgetAtMs: NOW_MS + 120_000,
}
const lease: Lease = {
  id: 's1',
  key: redeem.key,
  node: 'gw1',
  tunnel: 't1',
  clientAddress: '192.0.2.7',
  openedAtMs: NOW_MS,
  seenAtMs: NOW_MS,
}
const revocation: StoredRevocation = {
  id: 'r1',
  kind: 'vm',
  value: 'vm1',
  atMs: NOW_MS,
  untilMs: NOW_MS + 1_000,
  endSessions: true,
  note: 'lost laptop',
  askedBy: 'key:test',
}
const issuer: TrustedCertificate = {
  thumbprint: 'A'.repeat(64),
  purpose: 'gateway',
  certificatePem: '-----BEGIN CERTIFICATE-----',
  use: 'primary',
  broker: 'broker',
  addedAtMs: NOW_MS,
  publishedVersion: 1,
}

/** Redeems, leases, revocations, trust and verifiers; part of the store's contract. */
export function trustContract(storeOf: () => Store): void {
  const open = (changes: Partial<Redeem> = {}, leaseChanges: Partial<Lease> = {}) => {
    const kept = { ...redeem, ...changes }
    return storeOf().redeems.redeem(kept.key, () => ({
      result: undefined,
      redeem: kept,
      lease: { ...lease, key: kept.key, ...leaseChanges },
    }))
  }

  test('64 presentations at once: exactly one client wins', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 64, maxLength: 64 }),
        fc.uuid(),
        async (clients, key) => {
          const present = (client: string, tunnel: string) =>
            storeOf().redeems.redeem(key, (known) => {
              if (known !== undefined && known.redeem.client !== client)
                return { result: undefined }
              return {
                result: client,
                ...(known === undefined ? { redeem: { ...redeem, key, client } } : {}),
                lease: { ...lease, id: `${key}-${tunnel}`, key, node: key, tunnel },
              }
            })
          const results = await Promise.all(
            clients.map((client, index) => present(`192.0.2.${client}`, `t${index}`)),
          )
          const winners = new Set(results.filter((client) => client !== undefined))
          expect(winners.size).toBe(1)
          const [winner] = winners
          expect(results.filter((client) => client === winner)).toHaveLength(
            clients.filter((client) => `192.0.2.${client}` === winner).length,
          )
        },
      ),
      { numRuns: 5 },
    )
  })

  test('a decision sees what the ones before it left, in the order of opening', async () => {
    await open()
    const second = { ...lease, id: 's2', tunnel: 't2', openedAtMs: NOW_MS + 1 }
    await storeOf().redeems.redeem(redeem.key, () => ({ result: undefined, lease: second }))
    await storeOf().redeems.redeem(redeem.key, (known) => {
      expect(known).toEqual({ redeem, leases: [lease, second] })
      return { result: undefined }
    })
  })

  test('a decision sees how many sessions its machine has with other tokens, when it asks', async () => {
    await open()
    const second = { ...lease, id: 's2', tunnel: 't2' }
    await storeOf().redeems.redeem(redeem.key, () => ({ result: undefined, lease: second }))
    await open({ key: 'other machine', vm: 'vm2' }, { id: 's3', tunnel: 't3' })
    const othersOf = (key: string, vm?: string) =>
      storeOf().redeems.redeem(key, (_, others) => ({ result: others }), vm)
    expect(await othersOf('new', 'vm1')).toBe(1)
    expect(await othersOf('new')).toBe(0)
    expect(await othersOf(redeem.key, 'vm1')).toBe(0)
    expect(await storeOf().leases.countOfVm('vm1')).toBe(1)
    const one = { node: 'gw1', endedAtMs: NOW_MS }
    await storeOf().leases.end({ ...one, tunnel: 't1' })
    expect(await storeOf().leases.countOfVm('vm1')).toBe(1)
    await storeOf().leases.end({ ...one, tunnel: 't2' })
    expect(await storeOf().leases.countOfVm('vm1')).toBe(0)
  })

  test('of tokens at the same moment each sees the sessions of the others', async () => {
    const present = (name: string) =>
      storeOf().redeems.redeem(
        name,
        (_, others) => {
          if (others > 2) return { result: 0 }
          const session = { ...lease, id: name, key: name, tunnel: name }
          return { result: 1, redeem: { ...redeem, key: name, jti: name }, lease: session }
        },
        'vm1',
      )
    const names = Array.from({ length: 20 }, (_, index) => `t${index}`)
    const admitted = await Promise.all(names.map(present))
    expect(admitted.filter(Boolean)).toHaveLength(3)
  })

  test('a decision that throws leaves nothing behind', async () => {
    const failing = storeOf().redeems.redeem(redeem.key, () => {
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(await storeOf().redeems.get(redeem.key)).toBeUndefined()
  })

  test('one tunnel of one node is one lease', async () => {
    await open()
    await expect(open({ key: 'other' }, { id: 's2' })).rejects.toMatchObject({ code: 'ERR_STORE' })
    expect(await storeOf().redeems.get('other')).toBeUndefined()
  })

  test('a new console ends the older reconnect windows of its machine only', async () => {
    const windows = { reconnectMs: 60_000 }
    await open({ ...windows, key: 'old' }, { id: 'a', tunnel: 'a' })
    await open({ ...windows, key: 'elsewhere', vm: 'vm2' }, { id: 'b', tunnel: 'b' })
    await open({ ...windows, key: 'new' }, { id: 'c', tunnel: 'c' })
    const superseded = async (key: string) => (await storeOf().redeems.get(key))?.superseded
    expect(await superseded('old')).toBe(true)
    expect(await superseded('elsewhere')).toBe(false)
    expect(await superseded('new')).toBe(false)
  })

  test('ends a lease once, keeps the first time, and adds what comes later', async () => {
    await open()
    const { leases } = storeOf()
    const end = { node: 'gw1', tunnel: 't1' }
    await leases.end({ ...end, endedAtMs: NOW_MS + 5 })
    await leases.end({ ...end, endedAtMs: NOW_MS + 9, reason: 'client-closed', bytesIn: 7 })
    await leases.end({ ...end, tunnel: 'unknown', endedAtMs: NOW_MS })
    expect(await leases.get('s1')).toEqual({
      ...lease,
      jti: 'j1',
      tenant: 'acme',
      user: 'ann',
      vm: 'vm1',
      host: '192.0.2.10:3389',
      endedAtMs: NOW_MS + 5,
      endReason: 'client-closed',
      bytesIn: 7,
    })
    expect(await leases.list()).toEqual([])
    expect((await storeOf().redeems.get(redeem.key))?.burned).toBeUndefined()
  })

  test('an end that burns makes the token worthless; the first reason stays', async () => {
    await open()
    const end = { node: 'gw1', tunnel: 't1', endedAtMs: NOW_MS, burns: true }
    await storeOf().leases.end({ ...end, reason: 'idle-limit' })
    await storeOf().leases.end({ ...end, reason: 'killed' })
    expect(await storeOf().redeems.burn(redeem.key, 'killed')).toBe(true)
    expect(await storeOf().redeems.burn('unknown', 'killed')).toBe(false)
    expect((await storeOf().redeems.get(redeem.key))?.burned).toBe('idle-limit')
  })

  test("a lost node's leases end at its last heartbeat, and are back when it is", async () => {
    await open()
    await open({ key: 'k2' }, { id: 's2', tunnel: 't2' })
    await open({ key: 'k3' }, { id: 's3', node: 'gw2' })
    const { leases } = storeOf()
    await leases.renew('gw1', ['t1', 't2', 'unknown'], NOW_MS + 10_000)
    await leases.renew('gw2', ['t1'], NOW_MS + 40_000)
    const lost = await leases.endLost(NOW_MS + 20_000)
    expect(lost.map(({ id }) => id).sort()).toEqual(['s1', 's2'])
    expect(await leases.get('s1')).toMatchObject({
      endedAtMs: NOW_MS + 10_000,
      endReason: 'node-lost',
    })
    expect((await leases.list()).map(({ id }) => id)).toEqual(['s3'])
    await leases.renew('gw1', ['t1'], NOW_MS + 50_000)
    const back = await leases.find('gw1', 't1')
    expect(back).toMatchObject({ seenAtMs: NOW_MS + 50_000 })
    expect(back).not.toHaveProperty('endedAtMs')
  })

  test('a report renews, and tells what a session is and does', async () => {
    await open()
    await open({ key: 'other' }, { id: 's2', tunnel: 't2', node: 'gw2' })
    const { leases } = storeOf()
    const told = { tunnel: 't1', transport: 'http', takesMessages: true, idleSeconds: 7 }
    const usage = { ...told, bytesIn: 2 ** 40, bytesOut: 5 }
    const unknown = { ...usage, tunnel: 't9' }
    await leases.report('gw1', [usage, unknown], NOW_MS + 10_000)
    const { jti, tenant, user, vm, host } = redeem
    const who = { jti, tenant, user, vm, host }
    expect(await leases.get('s1')).toEqual({
      ...lease,
      ...who,
      ...usage,
      seenAtMs: NOW_MS + 10_000,
    })
    expect(await leases.get('s2')).not.toHaveProperty('transport')
    await leases.endLost(NOW_MS + 20_000)
    await leases.report('gw1', [{ ...usage, takesMessages: false }], NOW_MS + 30_000)
    const back = await leases.get('s1')
    expect(back).toMatchObject({ takesMessages: false, seenAtMs: NOW_MS + 30_000 })
    expect(back).not.toHaveProperty('endedAtMs')
  })

  test('a report changes nothing of a session that has ended', async () => {
    await open()
    const { leases } = storeOf()
    const end = { node: 'gw1', tunnel: 't1', endedAtMs: NOW_MS, reason: 'killed' }
    await leases.end({ ...end, bytesIn: 9, bytesOut: 9 })
    const told = { tunnel: 't1', transport: 'http', takesMessages: true, idleSeconds: 7 }
    await leases.report('gw1', [{ ...told, bytesIn: 1, bytesOut: 1 }], NOW_MS + 10_000)
    expect(await leases.get('s1')).toMatchObject({
      endReason: 'killed',
      bytesIn: 9,
      seenAtMs: NOW_MS,
    })
  })

  test('a description tells what a session is before the first report', async () => {
    await open()
    const { leases } = storeOf()
    await leases.describe({
      node: 'gw1',
      tunnel: 't1',
      transport: 'websocket',
      takesMessages: false,
    })
    await leases.describe({ node: 'gw1', tunnel: 't9', transport: 'http', takesMessages: true })
    expect(await leases.find('gw1', 't1')).toMatchObject({
      transport: 'websocket',
      takesMessages: false,
    })
  })

  test('reports any number of tunnels', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `t${index}`)
    for (const name of names) await open({ key: name }, { id: name, tunnel: name })
    const told = { transport: 'http', takesMessages: true, idleSeconds: 0, bytesOut: 0 }
    const usages = names.map((tunnel, bytesIn) => ({ ...told, tunnel, bytesIn }))
    await storeOf().leases.report('gw1', usages, NOW_MS + 1)
    const sessions = await storeOf().leases.list()
    expect(sessions.every(({ id, bytesIn }) => id === `t${bytesIn}`)).toBe(true)
  })

  test('renews any number of tunnels', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `t${index}`)
    for (const name of names) await open({ key: name }, { id: name, tunnel: name })
    await storeOf().leases.renew('gw1', names, NOW_MS + 1)
    const seen = (await storeOf().leases.list()).map(({ seenAtMs }) => seenAtMs)
    expect(new Set(seen)).toEqual(new Set([NOW_MS + 1]))
  })

  test('forgets a token after its time, but not while its session is open or may come back', async () => {
    await open({ key: 'gone' }, { id: 'a', tunnel: 'a' })
    await open({ key: 'open' }, { id: 'b', tunnel: 'b' })
    await open({ key: 'window', reconnectMs: 10_000 }, { id: 'c', tunnel: 'c' })
    const { leases, redeems } = storeOf()
    const end = { node: 'gw1', endedAtMs: redeem.forgetAtMs }
    await leases.end({ ...end, tunnel: 'a' })
    await leases.end({ ...end, tunnel: 'c' })
    expect(await redeems.deleteForgotten(redeem.forgetAtMs)).toBe(0)
    expect(await redeems.deleteForgotten(redeem.forgetAtMs + 1)).toBe(1)
    expect(await redeems.deleteForgotten(redeem.forgetAtMs + 10_001)).toBe(1)
    expect(await redeems.get('open')).toBeDefined()
    expect(await leases.get('a')).toBeUndefined()
  })

  test('burns what a revocation hits, of what was issued by then', async () => {
    const { redeems } = storeOf()
    const kept = async () => {
      const keys = ['one', 'two', 'late']
      const found = await Promise.all(keys.map((key) => redeems.get(key)))
      return found.filter((each) => each?.burned === undefined).map((each) => each?.key)
    }
    await open({ key: 'one', jti: 'one' }, { id: 'a', tunnel: 'a' })
    await open({ key: 'two', jti: 'two', tenant: 'globex' }, { id: 'b', tunnel: 'b' })
    await open({ key: 'late', jti: 'late', issuedAtMs: NOW_MS + 1 }, { id: 'c', tunnel: 'c' })
    await redeems.burnRevoked({ ...revocation, kind: 'issuer', value: 'B'.repeat(64) })
    expect(await kept()).toEqual(['one', 'two', 'late'])
    await redeems.burnRevoked({ ...revocation, kind: 'tenant', value: 'globex' })
    expect(await kept()).toEqual(['one', 'late'])
    await redeems.burnRevoked({ ...revocation, kind: 'before', value: '' })
    expect(await kept()).toEqual(['late'])
    await redeems.burnRevoked({ ...revocation, kind: 'jti', value: 'late' })
    expect(await kept()).toEqual([])
    expect((await redeems.get('late'))?.burned).toBe('token-revoked')
  })

  test('keeps revocations as long as they count, each under a higher version', async () => {
    const { revocations } = storeOf()
    expect(await revocations.list(NOW_MS)).toEqual({ version: 0, items: [] })
    const { note: _, ...plain } = revocation
    const second = { ...plain, id: 'r2', atMs: NOW_MS + 1, untilMs: NOW_MS + 9_000 }
    expect(await Promise.all([revocations.add(revocation), revocations.add(second)])).toEqual([
      1, 2,
    ])
    expect(await revocations.list(NOW_MS)).toEqual({ version: 2, items: [revocation, second] })
    expect(await revocations.list(NOW_MS + 1_001)).toEqual({ version: 2, items: [second] })
    expect(await revocations.deleteExpiredBefore(NOW_MS + 1_001)).toBe(1)
    expect(await revocations.add({ ...revocation, id: 'r3' })).toBe(3)
  })

  test('changes the trust set under a version that only grows', async () => {
    const { trust } = storeOf()
    expect(await trust.get()).toEqual({ version: 0, issuers: [] })
    const next: TrustedCertificate = {
      ...issuer,
      thumbprint: 'B'.repeat(64),
      use: 'next',
      notBeforeMs: NOW_MS,
      notAfterMs: NOW_MS + 1,
      certificateFile: 'next.crt',
      privateKeyFile: 'next.key',
    }
    expect(await trust.change(() => [issuer])).toEqual({ version: 1, issuers: [issuer] })
    const both = await trust.change(({ issuers }, version) => [
      ...issuers,
      { ...next, publishedVersion: version },
    ])
    expect(both).toEqual({ version: 2, issuers: [issuer, { ...next, publishedVersion: 2 }] })
    expect(await trust.change(() => undefined)).toEqual(both)
    expect(await trust.get()).toEqual(both)
    expect((await trust.change(() => [])).version).toBe(3)
  })

  test('a change of trust that fails changes nothing', async () => {
    const { trust } = storeOf()
    await trust.change(() => [issuer])
    await expect(trust.change(() => [issuer, issuer])).rejects.toMatchObject({ code: 'ERR_STORE' })
    expect(await trust.get()).toEqual({ version: 1, issuers: [issuer] })
  })

  test('changes at the same moment all count', async () => {
    const { trust } = storeOf()
    const add = (digit: number) =>
      trust.change(({ issuers }) => [...issuers, { ...issuer, thumbprint: `${digit}`.repeat(64) }])
    await Promise.all([1, 2, 3, 4].map(add))
    expect(await trust.get()).toMatchObject({ version: 4 })
    expect((await trust.get()).issuers).toHaveLength(4)
  })

  test('remembers what each verifier has confirmed', async () => {
    const { verifiers } = storeOf()
    const gw1 = { name: 'gw1', role: 'node', lastSeenMs: NOW_MS } as const
    await verifiers.seen({ ...gw1, trustVersion: 3 })
    await verifiers.seen({ ...gw1, lastSeenMs: NOW_MS + 1, revocationVersion: 2 })
    await verifiers.put({
      ...gw1,
      name: 'rdgw',
      role: 'external',
      trustVersion: 1,
      revocationVersion: 0,
    })
    expect(await verifiers.list()).toEqual([
      { name: 'rdgw', role: 'external', trustVersion: 1, revocationVersion: 0, lastSeenMs: NOW_MS },
      { name: 'gw1', role: 'node', trustVersion: 3, revocationVersion: 2, lastSeenMs: NOW_MS + 1 },
    ])
    expect(await verifiers.delete('node', 'gw1')).toBe(true)
    expect(await verifiers.delete('node', 'gw1')).toBe(false)
  })

  test('remembers what a node has told, and that it is to be drained, until that is cancelled', async () => {
    const { nodes, verifiers } = storeOf()
    const drain = { askedAtMs: NOW_MS, deadlineMs: NOW_MS + 1, message: 'hi', askedBy: 'key:k' }
    expect(await nodes.drain('gw1', drain)).toBe(false)
    await nodes.seen({ name: 'gw1', address: '192.0.2.1', software: '1', leftAtMs: NOW_MS })
    // No heartbeat has come yet.
    expect(await nodes.list()).toEqual([])
    await verifiers.seen({ name: 'gw1', role: 'node', lastSeenMs: NOW_MS, trustVersion: 3 })
    await verifiers.seen({ name: 'gw1', role: 'agent', lastSeenMs: NOW_MS })
    await nodes.seen({ name: 'gw1', state: 'degraded', reason: 'trust-stale', leftAtMs: null })
    const node = {
      ...{ name: 'gw1', address: '192.0.2.1', software: '1', state: 'degraded' },
      ...{ reason: 'trust-stale', trustVersion: 3, revocationVersion: 0, lastSeenMs: NOW_MS },
    }
    expect(await nodes.list()).toEqual([node])
    expect(await nodes.drain('gw1', drain)).toBe(true)
    const { state, ...rest } = node
    expect(await nodes.get('gw1')).toEqual({ ...rest, drain })
    await verifiers.delete('node', 'gw1')
    expect(await nodes.get('gw1')).toBeUndefined()
    expect(await nodes.getDrain('gw1')).toEqual(drain)
    expect(await nodes.drain('gw1', undefined)).toBe(true)
    expect(await nodes.getDrain('gw1')).toBeUndefined()
  })
}

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRepeats } from '../../src/broker/idempotency.ts'
import { createTestBroker, type TestBroker } from './support.ts'

describe('repeats', () => {
  let nowMs = 0
  let done = 0
  const repeats = () => {
    nowMs = 0
    done = 0
    return createRepeats<number>({ now: () => nowMs }, () => 60_000)
  }
  const work = async () => {
    done += 1
    return done
  }
  const request = (key: string, body: unknown = {}) => ({ caller: 'panel', key, body })

  test('do the work once for the same key, also while it goes on', async () => {
    const { once } = repeats()
    expect(await Promise.all([once(request('a'), work), once(request('a'), work)])).toEqual([1, 1])
    expect(await once(request('a'), work)).toBe(1)
    expect(await once(request('b'), work)).toBe(2)
    expect(await once({ ...request('a'), caller: 'other' }, work)).toBe(3)
  })

  test('forget a result that is of no use any more', async () => {
    const { once } = repeats()
    await once(request('a'), work)
    nowMs = 59_999
    expect(await once(request('a'), work)).toBe(1)
    nowMs = 60_000
    expect(await once(request('a'), work)).toBe(2)
  })

  test('do not remember what failed', async () => {
    const { once } = repeats()
    const fail = () => Promise.reject(new Error('no'))
    await expect(once(request('a'), fail)).rejects.toThrow('no')
    expect(await once(request('a'), work)).toBe(1)
  })

  test('hold a thousand, and forget the oldest first', async () => {
    const { once } = repeats()
    for (let index = 0; index <= 1_000; index += 1) await once(request(`k${index}`), work)
    expect(await once(request('k1'), work)).toBe(2)
    expect(await once(request('k0'), work)).toBe(1_002)
  })
})

describe('POST /v1/consoles with Idempotency-Key', () => {
  let api: TestBroker

  beforeEach(async () => {
    api = await createTestBroker()
  })
  afterEach(() => api.close())

  const open = (key: string, body: object = { vm: 'web', user: 'ann' }) =>
    api.post('/v1/consoles', body).set('Idempotency-Key', key)

  test('gives the same console again, in either form, and mints it once', async () => {
    const first = await open('click-1').expect(201)
    const again = await open('click-1').expect(201)
    expect(again.body).toEqual(first.body)
    const file = await open('click-1').set('Accept', 'application/x-rdp').expect(201)
    expect(file.headers.location).toBe(`/v1/consoles/${first.body.id}`)
    expect(api.events('console.minted')).toHaveLength(1)
    const other = await open('click-2').expect(201)
    expect(other.body.id).not.toBe(first.body.id)
  })

  test('mints anew once the token has expired', async () => {
    const first = await open('click').expect(201)
    api.clock.advance(60_000)
    const second = await open('click').expect(201)
    expect(second.body.id).not.toBe(first.body.id)
  })

  test('refuses the same key with another body, and keys that cannot be', async () => {
    await open('click').expect(201)
    const other = await open('click', { vm: 'mail' }).expect(409)
    expect(other.body.code).toBe('conflict')
    for (const key of ['two words', 'x'.repeat(256)]) {
      const { body } = await open(key).expect(400)
      expect(body).toMatchObject({ errors: [{ field: 'Idempotency-Key' }] })
    }
    expect(api.events('console.minted')).toHaveLength(1)
  })

  test('never gives one key the consoles of another', async () => {
    const first = await open('click', { vm: 'web' }).expect(201)
    const key = await api.addKey(['portal'], ['globex'])
    await api.anonymous
      .post('/v1/consoles')
      .set('Authorization', `Bearer ${key.reveal()}`)
      .set('Idempotency-Key', 'click')
      .send({ vm: 'web' })
      .expect(404)
    expect(first.body.gatewayToken).toBeDefined()
  })
})

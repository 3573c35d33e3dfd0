import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPushes } from '../../src/broker/pushes.ts'
import { createSessions } from '../../src/broker/sessions.ts'
import { createLog, Secret } from '../../src/lib/index.ts'
import { createTestBroker, type TestBroker } from './support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

test('a lost node is given its time, also after a restart of ours; then its sessions are over', async () => {
  const { body } = await api.post('/v1/consoles', { vm: 'web' })
  const redeem = { token: new Secret(body.gatewayToken), tunnel: 't1', clientAddress: '192.0.2.7' }
  await api.broker.control.redeem({ name: 'gw1', role: 'node' }, redeem)
  api.clock.advance(3_600_000)
  const lines: Array<Record<string, unknown>> = []
  const sessions = createSessions({
    store: api.store,
    pushes: createPushes(),
    clock: api.clock,
    log: createLog({ stream: { write: (line) => lines.push(JSON.parse(line)) } }),
  })
  await sessions.sweep()
  expect(await sessions.list()).toHaveLength(1)
  api.clock.advance(36_000)
  await sessions.sweep()
  expect(await sessions.list()).toEqual([])
  expect(lines).toMatchObject([{ event: 'session.closed', reason: 'node-lost', node: 'gw1' }])
})

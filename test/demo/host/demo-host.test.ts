import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDemoHost, type DemoHost } from '../../../src/demo/host/index.ts'
import { SET_UP_TIMEOUT_MS } from '../../../src/demo/host/limits.ts'
import { createLog, systemClock } from '../../../src/lib/index.ts'
import { createTestKeyPair } from '../../helpers/test-key-pair.ts'

let host: DemoHost

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))

afterEach(async () => {
  vi.useRealTimers()
  await host.close()
})

test('a client that does not come to the end of its set-up in time is closed', async () => {
  const log = createLog({ stream: { write: () => {} } })
  const tls = await createTestKeyPair()
  host = createDemoHost({ name: 'web-01', tls, clock: systemClock, log })
  const { address, port } = await host.listen()
  const client = connect({ host: address, port })
  const closed = once(client.resume(), 'close')
  while (vi.getTimerCount() === 0) await turn()
  vi.advanceTimersByTime(SET_UP_TIMEOUT_MS - 1)
  await turn()
  expect(client.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  await closed
})

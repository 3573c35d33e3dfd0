import { expect, test } from 'vitest'
import { UsageSampler } from '../../../src/gateway/control/usage.ts'
import type { Session } from '../../../src/gateway/sessions.ts'
import { silentLog } from '../../../src/lib/index.ts'

function session(): Session & { bytesIn: number; bytesOut: number } {
  return {
    id: 't1',
    purpose: 'gateway',
    token: undefined,
    log: silentLog,
    transport: { kind: 'http' },
    queued: { in: 0, out: 0 },
    takesMessages: true,
    bytesIn: 0,
    bytesOut: 0,
    message: () => false,
    end: () => {},
    done: Promise.resolve(),
  }
}

test('idle time grows until the client sends something, whatever the host sends', () => {
  const one = session()
  const usage = new UsageSampler()
  expect(usage.sample(one, 1_000)).toEqual({
    tunnel: 't1',
    transport: 'http',
    takesMessages: true,
    idleSeconds: 0,
    bytesIn: 0,
    bytesOut: 0,
  })
  one.bytesOut = 500
  expect(usage.sample(one, 31_999)).toMatchObject({ idleSeconds: 30, bytesOut: 500 })
  one.bytesIn = 1
  expect(usage.sample(one, 41_000)).toMatchObject({ idleSeconds: 0, bytesIn: 1 })
  expect(usage.sample(one, 51_000)).toMatchObject({ idleSeconds: 10 })
})

test('a clock that is set back gives no negative time', () => {
  const one = session()
  const usage = new UsageSampler()
  usage.sample(one, 50_000)
  expect(usage.sample(one, 1_000)).toMatchObject({ idleSeconds: 0 })
})

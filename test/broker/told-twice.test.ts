import { expect, test } from 'vitest'
import { happeningOf } from '../../src/broker/told-twice.ts'

const tunnel = 't1'

test('what broker and node tell of one tunnel is one happening', () => {
  const ours = happeningOf('session.killed', { node: 'gw1', tunnel })
  expect(ours).toBe(happeningOf('session.killed', { node: 'gw1', tunnel }))
  for (const other of [
    happeningOf('token.redeemed', { node: 'gw1', tunnel }),
    happeningOf('session.killed', { node: 'gw2', tunnel }),
    happeningOf('session.killed', { agent: 'hv1', tunnel }),
    happeningOf('session.killed', { node: 'gw1', tunnel: 't2' }),
  ]) {
    expect(other).not.toBe(ours)
  }
})

test('what is told once, or of no tunnel, is none of these', () => {
  expect(happeningOf('session.closed', { node: 'gw1', tunnel })).toBeUndefined()
  expect(happeningOf('token.refused', { node: 'gw1' })).toBeUndefined()
})

import { expect, test } from 'vitest'
import type { ProbedHost, ProbeResult } from '../../../src/control/index.ts'
import { Prober } from '../../../src/gateway/probe/prober.ts'

const host = (id: string, port = 3389): ProbedHost => ({
  ...{ id, kind: 'rdp', address: '192.0.2.10' },
  port,
})

/** A prober whose probes end when they are told to. */
function start(limits = { maxAtOnce: 2, maxWaiting: 4 }) {
  const begun: ProbedHost[] = []
  const told: string[] = []
  const ends = new Map<string, () => void>()
  const prober = new Prober({
    probe: (asked, signal) => {
      begun.push(asked)
      return new Promise<ProbeResult>((resolve, reject) => {
        const { id, address, port } = asked
        ends.set(id, () => resolve({ host: id, address, port, time: 1, state: 'ready' }))
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    },
    tell: ({ host }) => void told.push(host),
    limits,
  })
  const end = async (id: string): Promise<void> => {
    ends.get(id)?.()
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
  }
  return {
    prober,
    begun: () => begun.map(({ id }) => id),
    ports: () => begun.map(({ port }) => port),
    told,
    end,
  }
}

test('a few hosts at once, the others in the order of asking', async () => {
  const { prober, begun, told, end } = start()
  prober.ask(['a', 'b', 'c', 'd'].map((id) => host(id)))
  expect(begun()).toEqual(['a', 'b'])
  await end('b')
  expect(begun()).toEqual(['a', 'b', 'c'])
  expect(told).toEqual(['b'])
})

test('who is waiting for an answer goes first', async () => {
  const { prober, begun, end } = start()
  prober.ask(['a', 'b', 'c'].map((id) => host(id)))
  prober.ask([host('d')], true)
  await end('a')
  await end('b')
  expect(begun()).toEqual(['a', 'b', 'd', 'c'])
})

test('a host is probed once at a time, the next time as its record says then', async () => {
  const { prober, begun, ports, end } = start()
  prober.ask([host('a')])
  prober.ask([host('a', 3390)], true)
  prober.ask([host('a', 3389)])
  expect(begun()).toEqual(['a'])
  await end('a')
  expect(ports()).toEqual([3389, 3390])
})

test('no more hosts wait than may', async () => {
  const { prober, begun, end } = start({ maxAtOnce: 1, maxWaiting: 2 })
  prober.ask(['a', 'b', 'c', 'd'].map((id) => host(id)))
  for (const id of ['a', 'b', 'c', 'd']) await end(id)
  expect(begun()).toEqual(['a', 'b'])
})

test('a node that stops tells nothing more', async () => {
  const { prober, begun, told, end } = start()
  prober.ask(['a', 'b', 'c'].map((id) => host(id)))
  prober.close()
  await end('a')
  expect(told).toEqual([])
  expect(begun()).toEqual(['a', 'b'])
})

test('a result says that it was asked for with urgency, and others do not', async () => {
  const told: ProbeResult[] = []
  const prober = new Prober({
    probe: async ({ id, address, port }) => ({
      ...{ host: id, address, port, time: 1 },
      state: 'ready',
    }),
    tell: (result) => void told.push(result),
    limits: { maxAtOnce: 1, maxWaiting: 4 },
  })
  prober.ask([host('a')])
  prober.ask([host('b')], true)
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
  expect(told.map(({ host, urgent }) => [host, urgent])).toEqual([
    ['a', undefined],
    ['b', true],
  ])
})

import { expect, test, vi } from 'vitest'
import { BrokerAddresses } from '../../src/gateway/broker-addresses.ts'

function brokers(hosts: string[], answers: Array<string[] | Error>) {
  const time = { ms: 0 }
  const asked: string[] = []
  const addresses = new BrokerAddresses({
    hosts,
    clock: { now: () => time.ms },
    lookup: async (host) => {
      asked.push(host)
      const answer = answers.shift() ?? []
      if (answer instanceof Error) throw answer
      return answer
    },
  })
  return { addresses, asked, time }
}

test('a literal address is known at once and never looked up', async () => {
  const { addresses, asked } = brokers(['192.0.2.5', '2001:db8::5'], [])
  expect(addresses.current).toEqual(['192.0.2.5', '2001:db8::5'])
  await addresses.refresh()
  expect(asked).toEqual([])
})

test('a name is looked up before the first use, and again after a minute', async () => {
  const { addresses, asked, time } = brokers(['broker.example'], [['192.0.2.5'], ['192.0.2.6']])
  await Promise.all([addresses.refresh(), addresses.refresh()])
  expect(addresses.current).toEqual(['192.0.2.5'])
  time.ms = 59_999
  await addresses.refresh()
  expect(asked).toEqual(['broker.example'])
  time.ms = 60_000
  await addresses.refresh()
  await vi.waitFor(() => expect(addresses.current).toEqual(['192.0.2.6']), {
    timeout: 15_000,
  })
})

test('what was found stays while nobody answers, and the next use asks again', async () => {
  const gone = new Error('ENOTFOUND')
  const { addresses, asked, time } = brokers(['broker.example'], [['192.0.2.5'], gone, gone])
  await addresses.refresh()
  time.ms = 60_000
  await vi.waitFor(async () => {
    await addresses.refresh()
    expect(asked).toHaveLength(3)
  }, 15_000)
  expect(addresses.current).toEqual(['192.0.2.5'])
})

test('a name that nobody answers holds no console up', async () => {
  vi.useFakeTimers()
  try {
    const addresses = new BrokerAddresses({
      hosts: ['broker.example'],
      clock: { now: () => 0 },
      lookup: () => new Promise(() => {}),
    })
    const refreshed = addresses.refresh()
    await vi.advanceTimersByTimeAsync(1_000)
    await refreshed
    expect(addresses.current).toEqual([])
  } finally {
    vi.useRealTimers()
  }
})

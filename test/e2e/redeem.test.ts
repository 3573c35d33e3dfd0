import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answers, type Presenter, startPresenter } from '../helpers/presenter.ts'
import { type RedeemFarm, startRedeemFarm } from '../helpers/redeem-farm.ts'

const NODES = ['gw1', 'gw2', 'gw3', 'gw4']
const PRESENTATIONS = 64
/** IPv6 clients are told apart by their /64. */
const ADDRESSES = ['192.0.2.1', '192.0.2.2', '198.51.100.7', '2001:db8::1', '2001:db8:0:1::1']

let farm: RedeemFarm
let presenters: Presenter[]

beforeAll(async () => {
  farm = await startRedeemFarm(NODES)
  presenters = await Promise.all(
    NODES.map((name) => startPresenter({ ...farm, tls: farm.nodeTls(name) })),
  )
})

afterAll(async () => {
  await Promise.all((presenters ?? []).map((presenter) => presenter.stop()))
  await farm?.close()
})

interface Presented {
  clientAddress: string
  answer: Answers[number]
}

/** One token from all addresses at once, dealt out to the four processes in turn. */
async function presentEverywhere(addresses: string[]): Promise<Presented[]> {
  const token = (await farm.mint()).reveal()
  const answered = await Promise.all(
    presenters.map(async (presenter, index) => {
      const own = addresses.filter((_, at) => at % presenters.length === index)
      const presentations = own.map((clientAddress) => ({ clientAddress, tunnel: randomUUID() }))
      const answers = await presenter.present({ token, presentations })
      return answers.map((answer, at) => ({ clientAddress: own[at] ?? '', answer }))
    }),
  )
  return answered.flat()
}

test('of 64 parallel presentations by four processes exactly one client wins', async () => {
  const someAddresses = fc.array(fc.constantFrom(...ADDRESSES), {
    minLength: PRESENTATIONS,
    maxLength: PRESENTATIONS,
  })
  await fc.assert(
    fc.asyncProperty(someAddresses, async (addresses) => {
      const presented = await presentEverywhere(addresses)
      expect(presented).toHaveLength(PRESENTATIONS)
      expect(presented.filter(({ answer }) => answer === undefined)).toEqual([])
      const won = presented.filter(({ answer }) => answer?.ok)
      const winners = new Set(won.map(({ clientAddress }) => clientAddress))
      expect(winners.size).toBe(1)
      const [winner = ''] = winners
      const ofWinner = addresses.filter((address) => address === winner).length
      expect(won).toHaveLength(Math.min(ofWinner, 2))
      const reasons = presented.flatMap(({ clientAddress, answer }) =>
        answer === undefined || answer.ok ? [] : [`${clientAddress === winner} ${answer.reason}`],
      )
      const expected = ['true token-replayed', 'false client-mismatch']
      expect(reasons.filter((reason) => !expected.includes(reason))).toEqual([])
    }),
    { numRuns: 25 },
  )
})

test('the same tunnel again, after its answer was lost, is the same redeem', async () => {
  const token = (await farm.mint()).reveal()
  const presentation = { clientAddress: '192.0.2.1', tunnel: randomUUID() }
  const presentations = Array.from({ length: 16 }, () => presentation)
  const answers = await presenters[0]?.present({ token, presentations })
  expect(answers).toEqual(presentations.map(() => ({ ok: true })))
})

test('one tunnel name on two nodes is two tunnels', async () => {
  const token = (await farm.mint()).reveal()
  const presentations = [{ clientAddress: '192.0.2.1', tunnel: 't-1' }]
  const answers = await Promise.all(
    presenters.map((presenter) => presenter.present({ token, presentations })),
  )
  expect(answers.flat().filter((answer) => answer?.ok)).toHaveLength(2)
})

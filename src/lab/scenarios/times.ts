import { denied, opens } from '../expectation.ts'
import type { Scenario } from '../scenario.ts'
import { expiryMs } from '../ticket.ts'

/** The product's defaults, in seconds: the clock difference that is forgiven, and how long a token that was used may come back. */
const LEEWAY = 5
const REOPEN = 120

/** Each side of each edge of a token's life. */
export const times: Scenario[] = [
  {
    name: 'times.valid',
    title: 'A fresh token opens its machine',
    async run(bench) {
      await bench.present('over WebSocket', await bench.mint(), opens)
      await bench.present('over OUT and IN', await bench.mint(), opens, { transport: 'http' })
    },
  },
  {
    name: 'times.last-second',
    title: 'In the last second of its life a token still opens',
    async run(bench) {
      const ticket = await bench.mint()
      await bench.farm.moveTo(expiryMs(ticket) - 1)
      await bench.present('1 ms before exp', ticket, opens)
    },
  },
  {
    name: 'times.within-leeway',
    title: 'A token that expired within the leeway still opens',
    async run(bench) {
      const [one, other] = [await bench.mint(), await bench.mint()]
      await bench.farm.moveTo(expiryMs(one))
      await bench.present('at exp', one, opens)
      await bench.farm.moveTo(expiryMs(one) + LEEWAY * 1000 - 1)
      await bench.present('1 ms before the end of the leeway', other, opens)
    },
  },
  {
    name: 'times.expired',
    title: 'An expired token is refused',
    async run(bench) {
      const [one, other, third] = [await bench.mint(), await bench.mint(), await bench.mint()]
      await bench.farm.moveTo(expiryMs(one) + LEEWAY * 1000)
      await bench.present('at the end of the leeway', one, denied('token-expired'))
      const http = { transport: 'http' } as const
      await bench.present('the same over OUT and IN', other, denied('token-expired'), http)
      await bench.farm.moveBy(3600)
      await bench.present('an hour later', third, denied('token-expired'))
    },
  },
  {
    name: 'times.not-yet-valid',
    title: 'A token from the future is refused until its time has come',
    async run(bench) {
      const nbf = bench.farm.clock.now() / 1000 + 30
      const ticket = await bench.sign({ nbf, exp: nbf + 60 })
      await bench.present('30 s before nbf', ticket, denied('token-not-yet-valid'))
      await bench.farm.moveTo((nbf - LEEWAY) * 1000 - 1)
      await bench.present('1 ms before the leeway', ticket, denied('token-not-yet-valid'))
      await bench.farm.moveTo((nbf - LEEWAY) * 1000)
      await bench.present('within the leeway', ticket, opens)
    },
  },
  {
    name: 'times.node-behind',
    title: 'A node whose clock is behind refuses fresh tokens, and opens no expired one',
    async run(bench) {
      const near = await bench.startNode({ skewSeconds: -LEEWAY })
      await bench.present('5 s behind: within the leeway', await bench.mint(), opens, {
        node: near,
      })
      const far = await bench.startNode({ skewSeconds: -LEEWAY - 25 })
      const fresh = await bench.mint()
      await bench.present('30 s behind', fresh, denied('token-not-yet-valid'), { node: far })
      await bench.farm.moveTo(expiryMs(fresh) + 20_000)
      const what = 'expired 20 s ago, which this node does not know and the broker does'
      await bench.present(what, fresh, denied('token-expired'), { node: far })
    },
  },
  {
    name: 'times.node-ahead',
    title:
      'A node whose clock is ahead leaves it to the broker, up to two minutes; alone it refuses',
    async run(bench) {
      const near = await bench.startNode({ skewSeconds: 65, breakable: true })
      const alone = await bench.mint()
      await bench.present('65 s ahead: the broker knows better', await bench.mint(), opens, {
        node: near,
      })
      await bench.farm.cut(near)
      await bench.present('65 s ahead and alone', alone, denied('token-expired'), { node: near })
      const far = await bench.startNode({ skewSeconds: 60 + LEEWAY + REOPEN })
      await bench.present('190 s ahead', await bench.mint(), denied('token-expired'), { node: far })
      await bench.present('a node that is right', await bench.mint(), opens)
    },
  },
]

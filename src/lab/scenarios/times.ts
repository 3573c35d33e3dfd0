import { nowSeconds } from '../../lib/index.ts'
import { denied, opens } from '../expectation.ts'
import { privateKeyOf, signAnything, splitToken } from '../forge.ts'
import { startOwnNode } from '../own-node.ts'
import type { Scenario } from '../scenario.ts'
import { expiryMs, withToken } from '../ticket.ts'

/** The product's defaults, in seconds: the clock difference that is forgiven, and how long a token that was used may come back. */
const LEEWAY = 5
const REOPEN = 120
const HOUR = 3_600

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
    waitsSeconds: ({ briefSeconds }) => briefSeconds,
    async run(bench) {
      const ticket = await bench.mintBrief()
      const { instantMs } = bench.farm
      await bench.farm.moveTo(expiryMs(ticket) - instantMs)
      await bench.present(`${instantMs} ms before exp`, ticket, opens)
    },
  },
  {
    name: 'times.within-leeway',
    title: 'A token that expired within the leeway still opens',
    minLeewaySeconds: 4,
    waitsSeconds: ({ briefSeconds, leewaySeconds }) => briefSeconds + leewaySeconds,
    async run(bench) {
      const { farm } = bench
      const [one, other] = [await bench.mintBrief(), await bench.mintBrief()]
      await farm.moveJustPast(expiryMs(one))
      await bench.present('at exp', one, opens)
      await farm.moveToEndOf(expiryMs(one) + farm.leewaySeconds * 1000)
      await bench.present('just before the end of the leeway', other, opens)
    },
  },
  {
    name: 'times.expired',
    title: 'An expired token is refused',
    waitsSeconds: ({ briefSeconds, leewaySeconds }) => briefSeconds + leewaySeconds + 1,
    async run(bench) {
      const { farm } = bench
      const [one, other] = [await bench.mintBrief(), await bench.mintBrief()]
      await farm.moveJustPast(expiryMs(one) + farm.leewaySeconds * 1000)
      await bench.present('at the end of the leeway', one, denied('token-expired'))
      const http = { transport: 'http' } as const
      await bench.present('the same over OUT and IN', other, denied('token-expired'), http)
    },
  },
  {
    name: 'times.expired-long-ago',
    title: 'A token that expired an hour ago is refused',
    async run(bench) {
      const ticket = await bench.mint()
      const { header, claims } = splitToken(ticket.token)
      const { iat, nbf, exp } = claims
      const past = { ...claims, iat: iat - HOUR, nbf: nbf - HOUR, exp: exp - HOUR }
      const signed = signAnything(privateKeyOf(bench.farm.issuerPair), header, past)
      await bench.present('an hour later', withToken(ticket, signed), denied('token-expired'))
    },
  },
  {
    name: 'times.not-yet-valid',
    title: 'A token from the future is refused until its time has come',
    waitsSeconds: ({ briefSeconds }) => briefSeconds + 1,
    async run(bench) {
      const { farm } = bench
      const { briefSeconds, leewaySeconds } = farm
      const nbf = nowSeconds(farm.clock) + leewaySeconds + briefSeconds
      const ticket = await bench.sign({ nbf, exp: nbf + 60 })
      const denial = denied('token-not-yet-valid')
      await bench.present(`${leewaySeconds + briefSeconds} s before nbf`, ticket, denial)
      await farm.moveToEndOf((nbf - leewaySeconds) * 1000)
      await bench.present('just before the leeway', ticket, denial)
      await farm.moveJustPast((nbf - leewaySeconds) * 1000)
      await bench.present('within the leeway', ticket, opens)
    },
  },
  {
    name: 'times.node-behind',
    title: 'A node whose clock is behind refuses fresh tokens, and opens no expired one',
    needs: 'nodes whose clocks are wrong',
    async run(bench) {
      const near = await startOwnNode(bench, { skewSeconds: -LEEWAY })
      await bench.present('5 s behind: within the leeway', await bench.mint(), opens, {
        node: near,
      })
      const far = await startOwnNode(bench, { skewSeconds: -LEEWAY - 25 })
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
    needs: 'nodes whose clocks are wrong',
    async run(bench) {
      const near = await startOwnNode(bench, { skewSeconds: 65, breakable: true })
      const alone = await bench.mint()
      await bench.present('65 s ahead: the broker knows better', await bench.mint(), opens, {
        node: near,
      })
      await bench.farm.cut(near)
      await bench.present('65 s ahead and alone', alone, denied('token-expired'), { node: near })
      const far = await startOwnNode(bench, { skewSeconds: 60 + LEEWAY + REOPEN })
      await bench.present('190 s ahead', await bench.mint(), denied('token-expired'), { node: far })
      await bench.present('a node that is right', await bench.mint(), opens)
    },
  },
]

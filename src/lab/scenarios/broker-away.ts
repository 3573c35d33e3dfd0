import { denied, ends, opens } from '../expectation.ts'
import { startOwnNode } from '../own-node.ts'
import type { HomeScenario } from '../scenario.ts'

const DAY_SECONDS = 24 * 3600

/** What nodes decide when their broker does not answer. */
export const brokerAway: HomeScenario[] = [
  {
    name: 'broker-away.local',
    title: 'Without its broker a node goes on admitting, and counts by itself',
    needs: 'a broker that can be cut off',
    async run(bench) {
      const node = await startOwnNode(bench, { breakable: true })
      const ticket = await bench.mint()
      await bench.farm.cut(node)
      await bench.present('channel cut', ticket, opens, { node })
      const { bob } = bench.farm.clients
      const denial = denied('client-mismatch')
      await bench.present('another client', ticket, denial, { node, from: bob })
    },
  },
  {
    name: 'broker-away.silent',
    title: 'A broker that hangs costs a second, not the console',
    needs: 'a broker that can be cut off',
    async run(bench) {
      const node = await startOwnNode(bench, { breakable: true })
      const ticket = await bench.mint()
      node.link?.stall()
      await bench.present('broker silent', ticket, opens, { node })
    },
  },
  {
    name: 'broker-away.refuse',
    title: 'A node that is told so admits nobody without its broker',
    needs: 'a broker that can be cut off',
    async run(bench) {
      const node = await startOwnNode(bench, { breakable: true, whenBrokerAway: 'refuse' })
      await bench.present('connected', await bench.mint(), opens, { node })
      const ticket = await bench.mint()
      await bench.farm.cut(node)
      await bench.present('channel cut', ticket, denied('broker-unreachable'), { node })
    },
  },
  {
    name: 'broker-away.conflict',
    title: 'Two clients that got in with one token meanwhile: the younger session ends',
    needs: 'a broker that can be cut off',
    async run(bench) {
      const one = await startOwnNode(bench, { breakable: true })
      const other = await startOwnNode(bench, { breakable: true })
      const ticket = await bench.mint()
      await bench.farm.cut(one)
      await bench.farm.cut(other)
      await bench.present('first client', ticket, opens, {
        node: one,
        from: bench.farm.clients.alice,
      })
      await bench.farm.moveBy(2)
      const options = { node: other, from: bench.farm.clients.bob }
      const younger = await bench.present('second client, 2 s later', ticket, opens, options)
      one.link?.mend()
      other.link?.mend()
      // Which, depends on the node whose report comes first.
      const expected = ends('superseded', 'token-replayed')
      await bench.end('both nodes are back', younger, expected)
    },
  },
  {
    name: 'broker-away.stale-trust',
    title: 'Trust that no broker has confirmed for a day admits nobody',
    needs: 'a broker that can be cut off',
    async run(bench) {
      const node = await startOwnNode(bench, { breakable: true })
      const { farm } = bench
      await farm.cut(node)
      await farm.moveBy(DAY_SECONDS)
      await bench.present('after 24 hours', await bench.mint(), opens, { node })
      await farm.moveBy(1)
      const ticket = await bench.mint()
      await bench.present('a second later', ticket, denied('trust-stale'), { node })
      await bench.present('at a node that has its broker', ticket, opens)
      node.link?.mend()
      await farm.settle()
      await bench.present('the broker is back', await bench.mint(), opens, { node })
    },
  },
]

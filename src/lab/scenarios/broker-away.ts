import { Client } from '../bench.ts'
import { denied, ends, opens } from '../expectation.ts'
import type { Scenario } from '../scenario.ts'

const DAY_SECONDS = 24 * 3600

/** What nodes decide when their broker does not answer. */
export const brokerAway: Scenario[] = [
  {
    name: 'broker-away.local',
    title: 'Without its broker a node goes on admitting, and counts by itself',
    async run(bench) {
      const node = await bench.startNode({ breakable: true })
      const ticket = await bench.mint()
      await bench.farm.cut(node)
      await bench.present('channel cut', ticket, opens, { node })
      const { bob } = Client
      const denial = denied('client-mismatch')
      await bench.present('another client', ticket, denial, { node, from: bob })
    },
  },
  {
    name: 'broker-away.silent',
    title: 'A broker that hangs costs a second, not the console',
    async run(bench) {
      const node = await bench.startNode({ breakable: true })
      const ticket = await bench.mint()
      node.link?.stall()
      await bench.present('broker silent', ticket, opens, { node })
    },
  },
  {
    name: 'broker-away.refuse',
    title: 'A node that is told so admits nobody without its broker',
    async run(bench) {
      const node = await bench.startNode({ breakable: true, whenBrokerAway: 'refuse' })
      await bench.present('connected', await bench.mint(), opens, { node })
      const ticket = await bench.mint()
      await bench.farm.cut(node)
      await bench.present('channel cut', ticket, denied('broker-unreachable'), { node })
    },
  },
  {
    name: 'broker-away.conflict',
    title: 'Two clients that got in with one token meanwhile: the younger session ends',
    async run(bench) {
      const one = await bench.startNode({ breakable: true })
      const other = await bench.startNode({ breakable: true })
      const ticket = await bench.mint()
      await bench.farm.cut(one)
      await bench.farm.cut(other)
      await bench.present('first client', ticket, opens, { node: one, from: Client.alice })
      await bench.farm.moveBy(2)
      const options = { node: other, from: Client.bob }
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
    async run(bench) {
      const node = await bench.startNode({ breakable: true })
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

import { denied, opens } from '../expectation.ts'
import { Machine, RECONNECT_SECONDS } from '../inventory.ts'
import type { Scenario } from '../scenario.ts'

/** Of the rule for redeeming; the product's defaults. */
const REOPEN_SECONDS = 120
const MAX_OPENS = 10

/** One token, presented more than once. */
export const replay: Scenario[] = [
  {
    name: 'replay.same-client',
    title: 'One client may come back with its token, with two tunnels at a time',
    async run(bench) {
      const ticket = await bench.mint()
      const first = await bench.present('first', ticket, opens)
      await bench.present('second, while the first is open', ticket, opens)
      await bench.present('third, while two are open', ticket, denied('token-replayed'))
      await bench.drop(first)
      await bench.present('again, after one is gone', ticket, opens)
    },
  },
  {
    name: 'replay.too-often',
    title: 'The eleventh time is once too often',
    waitsSeconds: ({ dropSeconds }) => MAX_OPENS * dropSeconds,
    async run(bench) {
      const ticket = await bench.mint()
      for (let count = 1; count <= MAX_OPENS; count += 1) {
        await bench.drop(await bench.present(`time ${count}`, ticket, opens))
      }
      await bench.present(`time ${MAX_OPENS + 1}`, ticket, denied('token-replayed'))
    },
  },
  {
    name: 'replay.past-expiry',
    title: 'A token that was used in time may be used again for two minutes, past its end as well',
    waitsSeconds: () => REOPEN_SECONDS + 2,
    async run(bench) {
      const { farm } = bench
      const [used, unused] = [await bench.mintBrief(), await bench.mintBrief()]
      const session = await bench.present('in time', used, opens)
      const firstMs = farm.clock.now()
      await bench.drop(session)
      await farm.moveToEndOf(firstMs + REOPEN_SECONDS * 1000 + 1)
      await bench.drop(await bench.present('120 s later', used, opens))
      await bench.present('one that was never used', unused, denied('token-expired'))
      await farm.moveJustPast(firstMs + (REOPEN_SECONDS + 1) * 1000)
      await bench.present('121 s later', used, denied('token-expired'))
    },
  },
  {
    name: 'replay.other-address',
    title: 'A token belongs to the address that came first',
    twoClients: true,
    async run(bench) {
      const ticket = await bench.mint()
      const { alice, bob } = bench.farm.clients
      const [, other] = bench.farm.nodes
      await bench.present('first client', ticket, opens, { from: alice })
      await bench.present('second client', ticket, denied('client-mismatch'), { from: bob })
      if (other === undefined) return
      const there = { from: bob, node: other }
      await bench.present('second client, other node', ticket, denied('client-mismatch'), there)
      await bench.present('first client, other node', ticket, opens, { from: alice, node: other })
    },
  },
  {
    name: 'replay.bound-address',
    title: 'A token that was made for one address opens from no other',
    twoClients: true,
    async run(bench) {
      const { bob } = bench.farm.clients
      const ticket = await bench.sign(bob === undefined ? {} : { cip: bob })
      await bench.present('another client', ticket, denied('client-mismatch'))
      await bench.present('the right one', ticket, opens, { from: bob })
    },
  },
  {
    name: 'replay.two-nodes-at-once',
    title: 'Of two clients with one token at two nodes, one wins',
    needs: 'two nodes and the broker that decides for both',
    async run(bench) {
      const [one, other] = bench.farm.nodes
      const { alice, bob } = bench.farm.clients
      await bench.race('two at once', await bench.mint(), [
        { node: one, from: alice },
        { node: other, from: bob },
      ])
    },
  },
  {
    name: 'reconnect.inside-window',
    title: 'With a reconnect window a client whose session dropped may come back past all limits',
    waitsSeconds: () => RECONNECT_SECONDS,
    async run(bench) {
      const { farm } = bench
      const ticket = await bench.mint(Machine.reconnect)
      const session = await bench.present('first', ticket, opens)
      const droppedMs = farm.clock.now()
      await bench.drop(session)
      await farm.moveToEndOf(droppedMs + RECONNECT_SECONDS * 1000 + 1)
      await bench.present('150 s after it dropped', ticket, opens)
    },
  },
  {
    name: 'reconnect.outside-window',
    title: 'After the window it may not, nor may anybody else within',
    twoClients: true,
    waitsSeconds: ({ dropSeconds }) => RECONNECT_SECONDS + dropSeconds + 2,
    async run(bench) {
      const { farm } = bench
      const { bob } = farm.clients
      const ticket = await bench.mint(Machine.reconnect)
      await bench.drop(await bench.present('first', ticket, opens))
      const droppedMs = farm.clock.now()
      await farm.moveTo(droppedMs + (RECONNECT_SECONDS - 1) * 1000)
      await bench.present('another client, 149 s', ticket, denied('client-mismatch'), { from: bob })
      await farm.moveJustPast(droppedMs + (RECONNECT_SECONDS + 1) * 1000)
      await bench.present('151 s after it dropped', ticket, denied('token-expired'))
    },
  },
  {
    name: 'reconnect.superseded',
    title: 'A newer console of the machine ends the older window',
    waitsSeconds: ({ dropSeconds }) => REOPEN_SECONDS + dropSeconds + 2,
    async run(bench) {
      const { farm } = bench
      const older = await bench.mint(Machine.reconnect)
      await bench.drop(await bench.present('the older', older, opens))
      await farm.moveJustPast(farm.clock.now() + (REOPEN_SECONDS + 1) * 1000)
      await bench.present('a newer', await bench.mint(Machine.reconnect), opens)
      await bench.present('the older again', older, denied('superseded'))
    },
  },
]
